"""Who is measured, a row each: how its worker is made, in which environment it runs, what brings it.

A peer may appear twice: as it is out of the box, and with the settings that are best on this machine.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass
class Peer:
    name: str
    package: str                                   # what brings it
    build: tuple = ()                              # compiler and flags; source comes last
    source: str = ""                               # under worker/; several with blanks between
    libraries: tuple = ()
    environment: dict = field(default_factory=dict)  # {threads} stands for their number
    threads: tuple = (1, 2)                        # the numbers that it can work with
    weights: str = ""                              # `constant`: brought into a form of its own beforehand
    note: str = ""

    def make(self, folder):
        """The worker's command line, or why there is none."""
        if self.source.endswith(".py"):
            return self.make_script("python3", "/usr/bin/python3")
        if self.source.endswith(".js"):
            return self.make_script("node")
        compiler = shutil.which(self.build[0])
        if compiler is None:
            return None, f"no {self.build[0]}"
        program = folder / self.name.replace(" ", "_").replace(",", "")
        common = folder / "worker.o"
        worker = HERE / "worker"
        steps = [[shutil.which("cc"), "-O2", "-c", worker / "worker.c", "-o", common],
                 [*self.build, *(worker / s for s in self.source.split()), common, *self.libraries, "-lm", "-o",
                  program]]
        for step in steps:
            done = subprocess.run([str(word) for word in step], capture_output=True, text=True)
            if done.returncode != 0:
                return None, done.stderr.strip().splitlines()[0] if done.stderr.strip() else "no reason"
        return [str(program)], ""

    def make_script(self, *interpreters):
        script = HERE / "worker" / self.source
        for interpreter in interpreters:
            if shutil.which(interpreter) is None:
                continue
            done = subprocess.run([interpreter, script, "--probe"], capture_output=True, text=True)
            if done.returncode == 0:
                return [interpreter, str(script)], ""
        return None, "its module cannot be imported"

    def environment_for(self, threads):
        added = {name: value.format(threads=threads) for name, value in self.environment.items()}
        return {**os.environ, **added, "WORKER_THREADS": str(threads)}


def processor_vendor():
    text = Path("/proc/cpuinfo").read_text()
    return "AMD" if "AuthenticAMD" in text else "Intel" if "GenuineIntel" in text else ""


HAS_AVX512 = "avx512f" in Path("/proc/cpuinfo").read_text()
OPENMP = {"OMP_NUM_THREADS": "{threads}"}
C = ("cc", "-O2")
PLAIN = "plain.c plain_networks.c plain_llama.c"
CXX = ("c++", "-O3", "-march=native", "-std=c++17")
FAST = ("-O3", "-march=native", "-ffast-math", "-fno-math-errno")
WIDE = ("-mprefer-vector-width=512",) if HAS_AVX512 else ()
OPENBLAS = "/usr/lib/x86_64-linux-gnu/openblas-pthread"
BLIS = "/usr/lib/x86_64-linux-gnu/blis-pthread"


# Fresh results cost no page faults, and vectors are as wide as the processor's.
TORCH_AT_ITS_BEST = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "8000000000",
                     **({"ATEN_CPU_CAPABILITY": "avx512"} if HAS_AVX512 else {})}


def cblas(name, package, folder, environment, note=""):
    header = ("-I/usr/include/x86_64-linux-gnu/" + Path(folder).name,)
    library = (f"{folder}/libblas.so.3", f"-Wl,-rpath,{folder}")
    return Peer(name, package, C + header, "cblas.c", library, environment, note=note)


PEERS = [
    Peer("gcc", "gcc", ("gcc", *FAST, *WIDE), PLAIN, threads=(1,), note="plain loops"),
    Peer("clang", "clang", ("clang", *FAST, *WIDE), PLAIN, threads=(1,), note="plain loops"),
    cblas("OpenBLAS", "libopenblas-pthread-dev", OPENBLAS, {"OPENBLAS_NUM_THREADS": "{threads}"},
          "out of the box"),
    cblas("OpenBLAS, skx", "libopenblas-pthread-dev", OPENBLAS,
          {"OPENBLAS_NUM_THREADS": "{threads}", "OPENBLAS_CORETYPE": "SKYLAKEX"},
          "OPENBLAS_CORETYPE=SKYLAKEX"),
    cblas("BLIS", "libblis-pthread-dev", BLIS, {"BLIS_NUM_THREADS": "{threads}"}, "out of the box"),
    cblas("BLIS, skx", "libblis-pthread-dev", BLIS,
          {"BLIS_NUM_THREADS": "{threads}", "BLIS_ARCH_TYPE": "0"}, "BLIS_ARCH_TYPE=0"),
    Peer("Eigen", "libeigen3-dev", CXX + ("-fopenmp", "-I/usr/include/eigen3"), "eigen.cpp",
         environment=OPENMP),
    Peer("oneDNN", "libdnnl-dev", CXX, "onednn.cpp", ("-ldnnl",), OPENMP),
    Peer("oneDNN, packed", "libdnnl-dev", CXX, "onednn.cpp", ("-ldnnl",), {**OPENMP, "PACKED": "1"},
         weights="constant"),
    Peer("NumPy", "python3-numpy", source="numpy_worker.py",
         environment={"OPENBLAS_NUM_THREADS": "{threads}"}),
    Peer("PyTorch", "python3-torch", source="torch_worker.py",
         environment={**OPENMP, "OPENBLAS_NUM_THREADS": "{threads}"}, note="eager, out of the box"),
    Peer("PyTorch, traced", "python3-torch", source="torch_worker.py",
         environment={**OPENMP, "OPENBLAS_NUM_THREADS": "{threads}", "TRACED": "1", **TORCH_AT_ITS_BEST},
         weights="constant", note="traced and frozen; " + ", ".join(f"{k}={v}" for k, v in TORCH_AT_ITS_BEST.items())),
    Peer("ONNX Runtime", "onnxruntime-node of npm (NODE_PATH says where)", source="ort_worker.js",
         weights="constant", note="as JavaScript calls it"),
]
if not HAS_AVX512:
    PEERS = [p for p in PEERS if not p.name.endswith("skx")]
