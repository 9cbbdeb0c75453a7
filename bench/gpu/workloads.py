"""What is measured on a GPU, a row each: the work as workers are told it, and the Tenon function that does it.

Tensors that are streamed are several times as large as a GPU's second-level cache (50 MB), so that each run reads
and writes memory; products run again on the same operands, for everybody alike.
"""

from dataclasses import dataclass, field
from math import prod

import networks
from workload import Workload

MI = 1 << 20


@dataclass
class GpuWorkload(Workload):
    arguments: tuple = ()  # of the function: (name, type, shape); `b.w` is a field of the record b
    records: dict = field(default_factory=dict)  # their types, by the argument's name
    numbers: bool = False  # whether what is launched depends on them, so that a plan takes a simulation
    rank: int = 2          # of the result
    share: str = ""        # the peer that the bar is relative to
    bar: float = 0         # the share of its speed that Tenon shall have on an H200


def workload(name, group, kind, parameters, arguments, output, source, function, **more):
    """Arguments are (name, type, shape, scale)."""
    return GpuWorkload(name, group, kind, parameters, tuple((prod(shape), scale) for _, _, shape, scale in arguments),
                       output, source, function, arguments=tuple(a[:3] for a in arguments), **more)


def product(m, n, k, dtype="f32", **more):
    kind = "product" if dtype == "f32" else f"product_{dtype}"
    return workload(
        f"product {dtype} {m}x{n}x{k}", "product", kind, (m, n, k),
        (("a", dtype, (m, k), 1), ("b", dtype, (k, n), k ** -0.5)), m * n, "products.tn",
        f"{kind}[M = {m}, N = {n}, K = {k}]", flops=2 * m * n * k, tolerance=1e-5 if dtype == "f32" else 1e-2,
        share="cuBLAS", **more)


def rows(name, kind, function, r, c, vectors=(), **more):
    arguments = (("x", "f32", (r, c), 1), *((v, "f32", (c,), 1) for v in vectors))
    return workload(f"{name} {r}x{c}", "rows", kind, (r, c), arguments, r * c, "rows.tn",
                    f"{function}[R = {r}, C = {c}]", bytes=8 * r * c, share="copy", **more)


def conv(b, c, h, o, k):
    """Several images; as large as they come."""
    return workload(
        f"conv {k}x{k} {b}x{c}x{h}x{h}", "conv", "conv_batch", (b, c, h, o, k),
        (("x", "f32", (b, c, h, h), 1), ("w", "f32", (o, c, k, k), (c * k * k) ** -0.5)), b * o * h * h, "networks.tn",
        f"conv[B = {b}, C = {c}, H = {h}, O = {o}, K = {k}]", rank=4,
        flops=2 * b * c * k * k * o * h * h, share="PyTorch")


def network(name, group, net, **more):
    return GpuWorkload(name, group, net.kind, net.parameters, net.inputs, net.output, f"../cpu/{net.source}",
                       net.function, arguments=tuple((n, "f32", shape) for n, shape, _ in net.tensors), rank=net.rank,
                       records=net.records, defines=net.defines, flops=net.flops, steps=net.steps, share="PyTorch",
                       **more)


def llama(steps):
    return network(f"llama {steps} tokens", "llama", networks.llama(steps), numbers=True)


def axpy(n, **more):
    return workload(f"axpy {n}", "elementwise", "axpy", (n,), (("x", "f32", (n,), 1), ("y", "f32", (n,), 1)), n,
                    "rows.tn", f"axpy[N = {n}]", rank=1, bytes=12 * n, share="copy", **more)


def total(n):
    return workload(f"sum {n}", "rows", "sum", (n,), (("x", "f32", (n,), 1),), 1, "rows.tn", f"total[N = {n}]",
                    rank=0, bytes=4 * n, tolerance=1e-4, share="copy")


WORKLOADS = [
    axpy(64 * MI, bar=0.90),
    rows("gelu", "gelu_tanh", "by_tanh", 16384, 4096, ("scale", "shift"), bar=0.90),
    rows("softmax", "softmax", "softmax_rows", 16384, 4096, bar=0.85),
    rows("layernorm", "layer_norm", "normed", 16384, 4096, ("gain", "bias"), bar=0.85),
    total(128 * MI),
    product(4096, 4096, 4096, bar=0.70),
    product(8192, 8192, 8192, "bf16", bar=0.55), product(8192, 8192, 8192, "f16"), product(4096, 4096, 4096, "bf16"),
    product(4095, 4093, 4091, "bf16"),
    conv(32, 64, 56, 64, 3),
    network("attention f32 64x1024x64", "attention", networks.attention(64, 1024, 64)),
    network("mlp batch 4096", "mlp", networks.mlp(4096)),
    network("gpt2 block 128x768", "gpt2", networks.gpt2_block(128, 768)),
    network("gpt2 block 1024x768", "gpt2", networks.gpt2_block(1024, 768)),
    network("resnet18", "resnet18", networks.resnet18(224)), llama(256),
]

# Small enough for a processor and for the simulated GPU: what tests run, with plain loops in C for a peer.
SMALL = [
    axpy(3000), rows("gelu", "gelu_tanh", "by_tanh", 20, 300, ("scale", "shift")),
    rows("softmax", "softmax", "softmax_rows", 20, 300),
    rows("layernorm", "layer_norm", "normed", 20, 300, ("gain", "bias")), total(5000), product(70, 80, 90),
    product(64, 64, 64, "bf16"), product(64, 64, 64, "f16"), conv(2, 3, 8, 4, 3),
    network("attention f32 2x24x16", "attention", networks.attention(2, 24, 16)),
    network("mlp batch 3", "mlp", networks.mlp(3)), network("gpt2 block 16x48", "gpt2", networks.gpt2_block(16, 48)),
    network("resnet18 of 32x32", "resnet18", networks.resnet18(32)), llama(3),
]
