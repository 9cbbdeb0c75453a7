"""What the workers in Python share on a GPU: PyTorch's tensors, the clock, the types. Where there is no PyTorch, or
no GPU that it sees, importing this ends the worker with 2; but for tests, which say WITHOUT_GPU=cpu and have all of it
computed by the processor."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "cpu/worker"))
try:
    import torch
except ImportError:
    sys.exit(2)
DEVICE = "cuda" if torch.cuda.is_available() else os.environ.get("WITHOUT_GPU")
if DEVICE is None:
    sys.exit(2)
import python_worker  # noqa: E402


def typed(kind):
    """`product_bf16` is a product in bf16; without a type it is f32."""
    for ending, dtype in (("_bf16", torch.bfloat16), ("_f16", torch.float16)):
        if kind.endswith(ending):
            return kind.removesuffix(ending), dtype
    return kind, torch.float32


def seconds_of(run, count):
    if DEVICE != "cuda":
        return python_worker.seconds_of(run, count)
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    first.record()
    for _ in range(count):
        run()
    last.record()
    last.synchronize()
    return first.elapsed_time(last) * 1e-3


def serve_kinds(kinds, compiled=lambda name, run: run):
    """Answers for the workloads of `kinds`, functions of the work's parameters and tensors; `compiled` gets what runs."""

    def prepare(kind, p, arrays):
        name, dtype = typed(kind)
        if name not in kinds:
            return None
        if DEVICE == "cuda":
            torch.cuda.empty_cache()  # of the work before; the others want memory, too
        x = [torch.from_numpy(a).to(DEVICE).to(dtype) for a in arrays]
        return compiled(name, lambda: kinds[name](p, *x))

    python_worker.serve(prepare, lambda out: out.float().cpu().numpy(), seconds_of)
