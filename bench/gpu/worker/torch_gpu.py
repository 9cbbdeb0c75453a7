#!/usr/bin/env python3
"""The worker of PyTorch on a GPU: eager, or compiled if the environment says COMPILED=1. TF32 is off."""

import os
import warnings

warnings.filterwarnings("ignore")
from gpu_python import serve_kinds, torch  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch_kinds import KINDS  # noqa: E402

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

serve_kinds({**KINDS, **OWN}, **({"compiled": torch.compile} if os.environ.get("COMPILED") else {}))
