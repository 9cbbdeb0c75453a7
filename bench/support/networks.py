"""Networks that are measured on a processor and on a GPU: what they are told, what they take, the Tenon function.

A tensor is (name, shape, scale), in the order in which workers get them; `b.up.w` is a field of parameter b.
"""

from dataclasses import dataclass, field
from math import prod


@dataclass
class Network:
    kind: str
    parameters: tuple
    tensors: tuple
    output: int                                  # floats
    source: str                                  # in bench/cpu
    function: str
    rank: int                                    # of the result
    records: dict = field(default_factory=dict)  # the types of parameters that are records
    defines: tuple = ()                          # constants of the program, as -D takes them
    flops: float = 0
    steps: int = 0

    @property
    def inputs(self):
        """Floats and their scale, as workers are told."""
        return tuple((prod(shape), scale) for _, shape, scale in self.tensors)


def dense(name, i, o):
    return (f"{name}w", (i, o), i ** -0.5), (f"{name}b", (o,), 0.1)


def norm(name, d):
    return (f"{name}.gain", (d,), 1), (f"{name}.bias", (d,), 0.1)


def mlp(b):
    layers = ((784, 512), (512, 256), (256, 10))
    weights = tuple(one for n, (i, o) in enumerate(layers, 1)
                    for one in ((f"w{n}", (i, o), i ** -0.5), (f"b{n}", (o,), 0.1)))
    return Network("mlp", (b,), (("x", (b, 784), 1), *weights), b * 10, "networks.tn", f"mlp[B = {b}]", 2,
                   flops=2 * b * sum(i * o for i, o in layers))


def attention(h, t, d):
    return Network("attention", (h, t, d), tuple((name, (h, t, d), 1) for name in "qkv"), h * t * d, "networks.tn",
                   f"attend[H = {h}, T = {t}, D = {d}]", 3, flops=4 * h * t * t * d)


def gpt2_block(t, d, h=12):
    tensors = (("x", (t, d), 1), *norm("b.norm1", d), *dense("b.qkv.", d, 3 * d), *dense("b.merge.", d, d),
               *norm("b.norm2", d), *dense("b.up.", d, 4 * d), *dense("b.down.", 4 * d, d))
    return Network("gpt2_block", (t, d, h), tensors, t * d, "gpt2.tn", f"block[T = {t}, D = {d}]", 2,
                   {"b": f"Block[{d}]"}, flops=2 * t * d * 12 * d + 4 * t * t * d)


def resnet18(side):
    """Weights and bias of each convolution in order, of a shortcut behind those that it goes around."""
    def conv(name, i, o, k):
        return (f"n.{name}.w", (o, i, k, k), (i * k * k) ** -0.5), (f"n.{name}.b", (o,), 0.1)
    tensors, channels, flops, at = [*conv("stem", 3, 64, 7)], 64, 2 * 3 * 49 * 64 * (side // 2) ** 2, side // 4
    for block in range(1, 9):
        halves = block in (3, 5, 7)
        out, at = (channels * 2, at // 2) if halves else (channels, at)
        tensors += [*conv(f"b{block}.first", channels, out, 3), *conv(f"b{block}.second", out, out, 3)]
        tensors += conv(f"b{block}.around", channels, out, 1) if halves else ()
        flops += 2 * out * at * at * (9 * channels + 9 * out + (channels if halves else 0))
        channels = out
    return Network("resnet18", (side,), (("x", (1, 3, side, side), 1), *tensors, *dense("n.", 512, 1000)), 1000,
                   "resnet18.tn", f"resnet18[S = {side}]", 2, {"n": "Net"}, flops=flops + 2 * 512 * 1000)


def llama(steps):
    d, layers, keys, hidden, words = 64, 5, 32, 172, 512
    def stacked(name, i, o):
        return name, (layers, i, o), i ** -0.5
    tensors = (("tok_emb", (words, d), 1), ("att_norm", (layers, d), 1), stacked("wq", d, d), stacked("wk", d, keys),
               stacked("wv", d, keys), stacked("wo", d, d), ("ffn_norm", (layers, d), 1), stacked("w1", d, hidden),
               stacked("w2", hidden, d), stacked("w3", d, hidden), ("final_norm", (d,), 1))
    return Network("llama", (steps,), tuple((f"model.{name}", shape, scale) for name, shape, scale in tensors), words,
                   "llama.tn", "reads", 1, {"model": "Llama"}, (f"STEPS={steps}",), steps=steps)
