"""What is measured, a row each: the work as workers are told it, and the Tenon function that does it."""

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


def dense(i, o):
    return ((i * o, i ** -0.5), (o, 0.1))


def mlp(b):
    return Workload(
        f"mlp batch {b}", "mlp", "mlp", (b,), ((b * 784, 1), *dense(784, 512), *dense(512, 256), *dense(256, 10)),
        b * 10, "networks.tn", f"mlp[B = {b}]", "w1,b1,w2,b2,w3,b3",
        flops=2 * b * (784 * 512 + 512 * 256 + 256 * 10))


def attention(h, t, d):
    return Workload(
        f"attention {h}x{t}x{d}", "attention", "attention", (h, t, d), ((h * t * d, 1),) * 3, h * t * d,
        "networks.tn", f"attend[H = {h}, T = {t}, D = {d}]", flops=4 * h * t * t * d)


def gpt2_block(t=128, d=768, h=12):
    norm = ((d, 1), (d, 0.1))
    inputs = ((t * d, 1), *norm, *dense(d, 3 * d), *dense(d, d), *norm, *dense(d, 4 * d), *dense(4 * d, d))
    return Workload(
        "gpt2 block", "gpt2", "gpt2_block", (t, d, h), inputs, t * d, "gpt2.tn", f"block[T = {t}, D = {d}]", "b",
        flops=2 * t * d * 12 * d + 4 * t * t * d)


def resnet18():
    """Weights and bias of each convolution in order, of a shortcut behind those that it goes around."""
    def one(i, o, k):
        return (o * i * k * k, (i * k * k) ** -0.5), (o, 0.1)
    inputs, channels = [(3 * 224 * 224, 1), *one(3, 64, 7)], 64
    for block in range(8):
        halves = block % 2 == 0 and block > 0
        out = channels * 2 if halves else channels
        inputs += [*one(channels, out, 3), *one(out, out, 3)] + ([*one(channels, out, 1)] if halves else [])
        channels = out
    return Workload("resnet18", "resnet18", "resnet18", (), (*inputs, *dense(512, 1000)), 1000, "resnet18.tn",
                    "resnet18", "n", flops=3.63e9)


def llama():
    d, layers, keys, hidden, words, steps = 64, 5, 32, 172, 512, 256
    def stacked(i, o):
        return (layers * i * o, i ** -0.5)
    inputs = ((words * d, 1), (layers * d, 1), stacked(d, d), stacked(d, keys), stacked(d, keys), stacked(d, d),
              (layers * d, 1), stacked(d, hidden), stacked(hidden, d), stacked(d, hidden), (d, 1))
    return Workload("llama 256 tokens", "llama", "llama", (), inputs, words, "llama.tn", "reads", steps=steps)


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
    mlp(1), mlp(64), attention(12, 512, 64), gpt2_block(), resnet18(), llama(),
]
