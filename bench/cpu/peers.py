"""Who is measured, a row each: how its worker is made, in which environment it runs, what brings it.

A peer may appear twice: as it is out of the box, and with the settings that are best on this machine.
"""

from pathlib import Path

from peer import Peer

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
