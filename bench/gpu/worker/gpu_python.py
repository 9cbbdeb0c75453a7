"""What the workers in Python share on a GPU: PyTorch's tensors, the clock, the types. Where there is no PyTorch, or
no GPU that it sees, importing this ends the worker with 2."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "cpu/worker"))
try:
    import torch
except ImportError:
    sys.exit(2)
if not torch.cuda.is_available():
    sys.exit(2)
from python_worker import serve  # noqa: E402


def typed(kind):
    """`product_bf16` is a product in bf16; without a type it is f32."""
    for ending, dtype in (("_bf16", torch.bfloat16), ("_f16", torch.float16)):
        if kind.endswith(ending):
            return kind.removesuffix(ending), dtype
    return kind, torch.float32


def seconds_of(run, count):
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    first.record()
    for _ in range(count):
        run()
    last.record()
    last.synchronize()
    return first.elapsed_time(last) * 1e-3


def serve_kinds(kinds, compiled=lambda run: run):
    """Answers for the workloads of `kinds`, functions of a plan's numbers and tensors; `compiled` gets what runs."""

    def prepare(kind, p, arrays):
        name, dtype = typed(kind)
        if name not in kinds:
            return None
        x = [torch.from_numpy(a).cuda().to(dtype) for a in arrays]
        return compiled(lambda: kinds[name](p, *x))

    serve(prepare, lambda out: out.float().cpu().numpy(), seconds_of)
