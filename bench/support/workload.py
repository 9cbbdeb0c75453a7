"""Work as workers are told it, and the Tenon function that does it."""

from dataclasses import dataclass


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
    constants: str = ""        # parameters that are weights, as --constant takes them: all but the first
    flops: float = 0           # per run; 0 where bytes count
    bytes: float = 0           # that have to come and go at least
    steps: int = 0             # of a run, if they are what counts: tokens
    defines: tuple = ()        # constants of the program, as -D takes them
    tolerance: float = 1e-5    # of a result's weighted sum, relative to its magnitude

    @property
    def key(self):
        padded = list(self.parameters) + [0] * (16 - len(self.parameters))
        return "-".join([self.kind] + [str(p) for p in padded])

    @property
    def prepare(self):
        parameters = " ".join(str(p) for p in self.parameters)
        inputs = " ".join(f"{size}:{scale:.9g}" for size, scale in self.inputs)
        return f"prepare {self.kind} {parameters} / {inputs} / {self.output}"
