#!/usr/bin/env python3
"""The worker of PyTorch on a GPU: eager, or compiled if the environment says COMPILED=1. TF32 is off."""

import os
import sys
import warnings

warnings.filterwarnings("ignore")
from gpu_python import serve_kinds, torch  # noqa: E402
from torch.nn import functional as F  # noqa: E402
import torch_kinds  # noqa: E402

torch.set_grad_enabled(False)
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True

OWN = {
    "axpy": lambda p, x, y: torch.add(y, x, alpha=2.5),
    "conv_batch": lambda p, x, w: F.conv2d(x.view(p[0], p[1], p[2], p[2]), w.view(p[3], p[1], p[4], p[4]),
                                           padding=p[4] // 2),
}


def compiled(name, run):
    """For these shapes alone; of what goes step by step, the step is compiled. What was compiled before is forgotten: PyTorch keeps a few versions of one piece of
    code, which `run` is in all workloads, and goes on without compiling behind them."""
    torch.compiler.reset()
    return run if name in torch_kinds.STEPWISE else torch.compile(run, dynamic=False)


if os.environ.get("COMPILED"):
    if not hasattr(torch, "compile"):
        sys.exit(2)
    torch_kinds.llama_step = torch.compile(torch_kinds.llama_step, dynamic=False)
    serve_kinds({**torch_kinds.KINDS, **OWN}, compiled)
else:
    serve_kinds({**torch_kinds.KINDS, **OWN})
