#!/usr/bin/env python3
"""The worker of PyTorch: eager, or traced and optimized for inference if the environment says TRACED=1."""

import os
import sys
import warnings

warnings.filterwarnings("ignore")
try:
    import torch
    from torch_kinds import KINDS, STEPWISE
except ImportError:
    sys.exit(2)
from python_worker import serve

torch.set_grad_enabled(False)
torch.set_num_threads(int(os.environ.get("WORKER_THREADS", "1")))


class Traced(torch.nn.Module):
    """Weights are part of the module, so that they are constant."""

    def __init__(self, kind, p, weights):
        super().__init__()
        self.kind, self.p = kind, p
        self.weights = torch.nn.ParameterList([torch.nn.Parameter(w, requires_grad=False) for w in weights])

    def forward(self, x):
        return KINDS[self.kind](self.p, x, *self.weights)


def prepare(kind, p, arrays):
    traced = bool(os.environ.get("TRACED"))
    if kind not in KINDS or (traced and kind in STEPWISE):
        return None
    x = [torch.from_numpy(a) for a in arrays]
    if not traced:
        return lambda: KINDS[kind](p, *x)
    module = torch.jit.freeze(torch.jit.trace(Traced(kind, p, x[1:]).eval(), x[:1]))
    try:
        module = torch.jit.optimize_for_inference(module)
    except RuntimeError:
        pass  # what is left is frozen
    return lambda: module(x[0])


serve(prepare, lambda out: out.numpy())
