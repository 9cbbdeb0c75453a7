"""What is measured, a row each: the work as workers are told it, and the Tenon function that does it."""

import networks
from workload import Workload

MI = 1 << 20


def product(m, n, k):
    return Workload(
        f"product {m}x{n}x{k}", "product", "product", (m, n, k), ((m * k, 1), (k * n, k ** -0.5)), m * n,
        "product.tn", f"product[M = {m}, N = {n}, K = {k}]", "b", flops=2 * m * n * k,
        bytes=4 * (m * k + k * n + m * n))


def rows(name, kind, function, r, c, vectors=False):
    inputs = ((r * c, 1),) + (((c, 1), (c, 1)) if vectors else ())
    return Workload(f"{name} {r}x{c}", name, kind, (r, c), inputs, r * c, "rows.tn",
                    f"{function}[R = {r}, C = {c}]", bytes=8 * r * c)


def conv(name, c, h, o, k, s, p, group="conv"):
    out = (h + 2 * p - k) // s + 1
    return Workload(
        f"{name} {c}x{h}x{h}", group, "conv", (c, h, h, o, k, s, p),
        ((c * h * h, 1), (o * c * k * k, (c * k * k) ** -0.5), (o, 0.1)), o * out * out, "convolutions.tn",
        f"conv[C = {c}, H = {h}, W = {h}, O = {o}, K = {k}, S = {s}, P = {p}]", "w,b",
        flops=2 * c * k * k * o * out * out)


def depthwise(c, h, k, s, p):
    out = (h + 2 * p - k) // s + 1
    return Workload(
        f"conv depthwise {c}x{h}x{h}", "conv", "depthwise", (c, h, h, k, s, p),
        ((c * h * h, 1), (c * k * k, 1 / k), (c, 0.1)), c * out * out, "convolutions.tn",
        f"depthwise[C = {c}, H = {h}, W = {h}, K = {k}, S = {s}, P = {p}]", "w,b", flops=2 * c * k * k * out * out)


def network(name, group, net, constants=""):
    return Workload(name, group, net.kind, net.parameters, net.inputs, net.output, net.source, net.function, constants,
                    flops=net.flops, steps=net.steps, defines=net.defines)


def mlp(b):
    return network(f"mlp batch {b}", "mlp", networks.mlp(b), "w1,b1,w2,b2,w3,b3")


PRODUCTS = [(64, 64, 64), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048),
            (128, 768, 3072), (128, 3072, 768), (3136, 64, 576), (16, 1024, 1024), (1, 4096, 4096),
            (127, 255, 511), (17, 1000, 333), (1000, 10, 784)]

WORKLOADS = [product(*shape) for shape in PRODUCTS] + [
    rows("softmax", "softmax", "softmax_rows", 4096, 4096),
    rows("layernorm", "layer_norm", "normed", 4096, 1024, vectors=True),
    Workload("sum 16M", "sum", "sum", (16 * MI,), ((16 * MI, 1),), 1, "rows.tn", f"total[N = {16 * MI}]",
             bytes=64 * MI, tolerance=1e-4),
    rows("gelu", "gelu_tanh", "by_tanh", 16384, 1024, vectors=True),
    rows("gelu-erf", "gelu_erf", "by_erf", 16384, 1024, vectors=True),
    conv("conv 3x3", 64, 56, 64, 3, 1, 1), conv("conv 1x1", 64, 56, 256, 1, 1, 0),
    conv("conv 5x5", 32, 28, 64, 5, 1, 2), conv("conv 3x3 stride 2", 64, 56, 128, 3, 2, 1),
    conv("conv 7x7 stem", 3, 224, 64, 7, 2, 3), depthwise(144, 56, 3, 1, 1),
    mlp(1), mlp(64), network("attention 12x512x64", "attention", networks.attention(12, 512, 64)),
    network("gpt2 block", "gpt2", networks.gpt2_block(128, 768), "b"),
    network("resnet18", "resnet18", networks.resnet18(224), "n"),
    network("llama 256 tokens", "llama", networks.llama(256)),
]
