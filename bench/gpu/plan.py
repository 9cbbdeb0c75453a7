#!/usr/bin/env python3
"""What Tenon asks of a GPU for each workload, as recordings: plan.py TENON FOLDER [--only=PART …] [--small]

FOLDER/sm_NN/KEY.calls, .ptx and .arguments, for each GPU that Tenon writes for. Nothing is computed (tenon run
--dry-run): the inputs are files of zeros that take no room, and a worker brings its own numbers to the tensors by
their names.
Needs Tenon and no GPU, so a bundle has its plans with it.
"""

import argparse
import json
import struct
import subprocess
import sys
import tempfile
from math import prod
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "support")]
from rounds import selected  # noqa: E402
from workloads import BYTES, SMALL, WORKLOADS  # noqa: E402

HERE = Path(__file__).resolve().parent
GPUS = ("sm_75", "sm_80", "sm_90")


def write_zeros(path, dtype, shape):
    """A file of zeros in SafeTensors' format."""
    size = BYTES[dtype] * prod(shape)
    header = json.dumps({"t": {"dtype": dtype.upper(), "shape": shape, "data_offsets": [0, size]}}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + size)


def program_of(workload):
    """Loads the arguments and calls the function. So that all of the result is computed, as many elements of it are
    read as a file says, which nobody knows when compiling: none."""
    loads = "".join(f'  let {name}: {dtype}{list(shape)} = load("{name}.safetensors", "t");\n'
                    for name, dtype, shape in workload.arguments)
    names = ", ".join(name for name, _, _ in workload.arguments)
    first = ", ".join(["i"] * workload.rank)
    uses = f"print(called[{first}])" if first else "print(called)"
    return (f'import "{HERE / workload.source}";\n\nfn main() {{\n{loads}'
            f'  let reads: i64[1] = load("reads.npy");\n  let called = {workload.function}({names});\n'
            f"  for i in 0..reads[0] {{ {uses}; }}\n}}\n")


def write_reads(path):
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack("<q", 0))


def plan(tenon, workload, out):
    """Why there is no plan for a GPU, by its name."""
    missing = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for argument, dtype, shape in workload.arguments:
            write_zeros(folder / f"{argument}.safetensors", dtype, shape)
        write_reads(folder / "reads.npy")
        (folder / "main.tn").write_text(program_of(workload))
        for gpu in GPUS:
            (out / gpu).mkdir(parents=True, exist_ok=True)
            done = subprocess.run(
                [tenon, "run", "-O3", "--target", "sim", "--gpu-arch", gpu, "--dry-run", "--record",
                 out / gpu / workload.key, folder / "main.tn"], capture_output=True, text=True)
            names = " ".join(name for name, _, _ in workload.arguments)
            (out / gpu / f"{workload.key}.arguments").write_text(names + "\n")
            if done.returncode != 0:
                missing[gpu] = (done.stderr.strip().splitlines() or ["no reason"])[0]
    return missing


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("tenon", type=Path)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--only", action="append")
    arguments.add_argument("--small", action="store_true", help="what tests run")
    options = arguments.parse_args()
    failed = False
    for workload in selected(SMALL if options.small else WORKLOADS, options.only, lambda w: f"{w.name} {w.group}"):
        for gpu, why in plan(options.tenon.resolve(), workload, options.folder).items():
            print(f"plan: {workload.name} for {gpu}: {why}", file=sys.stderr)
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
