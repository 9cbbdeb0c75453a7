"""What is measured, a row each: the work as workers are told it, and the Tenon function that does it."""

from dataclasses import dataclass

MI = 1 << 20


@dataclass
class Workload:
    name: str
    group: str                 # --only picks by it too
    kind: str                  # what workers know it as
    parameters: tuple          # numbers that the kind needs: M N K
    inputs: tuple              # (floats, scale) each; the scale keeps results near 1
    output: int                # floats
    source: str                # FILE.tn
    function: str              # as --export takes it
    flops: float = 0           # per run; 0 where bytes count
    bytes: float = 0           # that have to come and go at least
    tolerance: float = 1e-4    # of a result's weighted sum, relative to its magnitude

    @property
    def key(self):
        padded = list(self.parameters) + [0] * (16 - len(self.parameters))
        return "-".join([self.kind] + [str(p) for p in padded])

    @property
    def prepare(self):
        parameters = " ".join(str(p) for p in self.parameters)
        inputs = " ".join(f"{size}:{scale:.9g}" for size, scale in self.inputs)
        return f"prepare {self.kind} {parameters} / {inputs} / {self.output}"


def product(m, n, k):
    return Workload(
        f"product {m}x{n}x{k}", "product", "product", (m, n, k), ((m * k, 1), (k * n, k ** -0.5)), m * n,
        "product.tn", f"product[M = {m}, N = {n}, K = {k}]", flops=2 * m * n * k,
        bytes=4 * (m * k + k * n + m * n))


def rows(name, kind, function, r, c, vectors=False):
    inputs = ((r * c, 1),) + (((c, 1), (c, 1)) if vectors else ())
    return Workload(f"{name} {r}x{c}", name, kind, (r, c), inputs, r * c, "rows.tn",
                    f"{function}[R = {r}, C = {c}]", bytes=8 * r * c)


PRODUCTS = [(64, 64, 64), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048),
            (128, 768, 3072), (128, 3072, 768), (3136, 64, 576), (16, 1024, 1024), (1, 4096, 4096),
            (127, 255, 511), (17, 1000, 333), (1000, 10, 784)]

WORKLOADS = [product(*shape) for shape in PRODUCTS] + [
    rows("softmax", "softmax", "softmax_rows", 4096, 4096),
    rows("layernorm", "layer_norm", "normed", 4096, 1024, vectors=True),
    Workload("sum 16M", "sum", "sum", (16 * MI,), ((16 * MI, 1),), 1, "rows.tn", f"total[N = {16 * MI}]",
             bytes=64 * MI, tolerance=1e-3),
    rows("gelu", "gelu_tanh", "by_tanh", 16384, 1024, vectors=True),
    rows("gelu-erf", "gelu_erf", "by_erf", 16384, 1024, vectors=True),
]
