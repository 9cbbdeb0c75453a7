"""What the workers in Python share on a GPU: the clock, the types."""

import torch


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
