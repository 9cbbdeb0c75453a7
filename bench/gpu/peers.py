"""Who is measured on a GPU, a row each."""

import ctypes
import subprocess
from pathlib import Path

from peer import Peer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SOURCES = " ".join([f"bench/gpu/worker/{name}.cpp" for name in ("main", "tensors", "plan", "tenon", "cublas", "copy")]
                   + [f"runtime/{name}.cpp" for name in ("cuda_device", "fault", "recording", "small_float")])
CXX = ("c++", "-std=c++20", "-O2", "-DFMT_HEADER_ONLY", f"-I{ROOT}", f"-I{ROOT / 'include'}")


def cublas():
    """The library: on the loader's path, or in PyTorch's package; or nothing."""
    for name in ("libcublas.so.13", "libcublas.so.12", "libcublas.so.11"):
        try:
            ctypes.CDLL(name)
            return name
        except OSError:
            pass
    # nvidia/cublas/lib for CUDA 12, nvidia/cu13/lib behind it.
    code = ("import nvidia, pathlib; "
            "print(*(lib for path in nvidia.__path__ for lib in pathlib.Path(path).glob('*/lib/libcublas.so.*')))")
    done = subprocess.run(["python3", "-c", code], capture_output=True, text=True)
    return (done.stdout.split() or [""])[0]


def native(name, package, worker, environment=None, **more):
    """They are one program, which is built once."""
    return Peer(name, package, CXX, SOURCES, ("-ldl", "-pthread"), {"GPU_PEER": worker, **(environment or {})},
                threads=(0,), folder=ROOT, program="gpu_workers", **more)


def script(name, package, source, environment=None, **more):
    return Peer(name, package, source=source, environment=environment or {}, threads=(0,),
                folder=HERE / "worker", **more)


def tenon(plans):
    return native("Tenon", "", "tenon", {"TENON_PLANS": str(plans)})


def plain():
    return Peer("plain", "gcc", ("cc", "-O2"), "plain.c plain_networks.c plain_llama.c", threads=(0,),
                note="plain loops on the processor")


def others(without_gpu=""):
    """`without_gpu`: what PyTorch's workers compute on where they find no GPU."""
    library = cublas()
    torch = {"WITHOUT_GPU": without_gpu} if without_gpu else {}
    return [
        native("copy", "the driver", "copy", computes=False, note="cuMemcpyDtoD of as many bytes"),
        native("cuBLAS", "libcublas of the CUDA toolkit, or nvidia-cublas of PyPI", "cublas",
               {"CUBLAS_LIBRARY": library}, absent="" if library else "there is no libcublas",
               note="cublasGemmEx; f32 without TF32"),
        script("Triton", "triton of PyPI", "triton_gpu.py", note="kernels as users write them; tiles by its search"),
        script("PyTorch", "torch of PyPI", "torch_gpu.py", torch, note="eager; TF32 off"),
        script("PyTorch, compiled", "torch of PyPI", "torch_gpu.py", {**torch, "COMPILED": "1"},
               note="torch.compile, for each shape anew; TF32 off"),
    ]
