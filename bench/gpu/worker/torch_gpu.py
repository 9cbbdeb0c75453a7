#!/usr/bin/env python3
"""The worker of PyTorch on a GPU: eager, or compiled if the environment says COMPILED=1. TF32 is off."""

import os
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "cpu/worker"))
try:
    import torch
    import torch.nn.functional as F
    from torch_kinds import KINDS
except ImportError:
    sys.exit(2)
if not torch.cuda.is_available():
    sys.exit(2)
from gpu_python import seconds_of, typed  # noqa: E402
from python_worker import serve  # noqa: E402

torch.set_grad_enabled(False)
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True

OWN = {
    "axpy": lambda p, x, y: torch.add(y, x, alpha=2.5),
    "conv_batch": lambda p, x, w: F.conv2d(x.view(p[0], p[1], p[2], p[2]), w.view(p[3], p[1], p[4], p[4]),
                                           padding=p[4] // 2),
    "attention": lambda p, q, k, v: F.scaled_dot_product_attention(*(a.view(1, *p) for a in (q, k, v)))[0],
}


def prepare(kind, p, arrays):
    name, dtype = typed(kind)
    if name not in OWN and name not in KINDS:
        return None
    function = OWN.get(name) or KINDS[name]
    x = [torch.from_numpy(a).cuda().to(dtype) for a in arrays]
    run = torch.compile(lambda: function(p, *x)) if os.environ.get("COMPILED") else lambda: function(p, *x)
    return run


serve(prepare, lambda out: out.float().cpu().numpy(), seconds_of)
