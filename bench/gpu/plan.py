#!/usr/bin/env python3
"""What Tenon asks of a GPU for each workload, as recordings: plan.py TENON FOLDER [--only=PART …] [--small]

FOLDER/sm_NN/KEY.calls, .ptx and .data, for each GPU that Tenon writes for. Nothing is computed (tenon run --dry-run).
Of each input only the first numbers are there, and zeros behind them that take no room: by its first numbers a worker
knows which input it is, and brings all of it. Where the host looks at what comes back, and goes on by that, the
program has all of its numbers, and runs on the simulated GPU.
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
from drawn import SIZES, drawn, packed  # noqa: E402
from rounds import selected  # noqa: E402
from workloads import SMALL, WORKLOADS  # noqa: E402

HERE = Path(__file__).resolve().parent
GPUS = ("sm_75", "sm_80", "sm_90")
TELLING = 8  # numbers by which inputs are told from each other


def write_tensors(path, tensors):
    """A file in SafeTensors' format; of each: its name, type, shape, and the bytes that it begins with."""
    header, end = {}, 0
    for name, dtype, shape, _ in tensors:
        start, end = end, end + SIZES[dtype] * prod(shape)
        header[name] = {"dtype": dtype.upper(), "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, _, _, begin in tensors:
            file.seek(8 + len(text) + header[name]["data_offsets"][0])
            file.write(begin)
        file.truncate(8 + len(text) + end)


def write_arguments(workload, folder):
    """A file for each parameter of the function, with a tensor for each field of a record."""
    files = {}
    for seed, ((name, dtype, shape), (size, scale)) in enumerate(zip(workload.arguments, workload.inputs)):
        parameter, _, part = name.partition(".")
        numbers = drawn(size if workload.numbers else min(size, TELLING), seed, scale)
        files.setdefault(parameter, []).append((part or "t", dtype, shape, packed(dtype, numbers)))
    for parameter, tensors in files.items():
        write_tensors(folder / f"{parameter}.safetensors", tensors)


def write_looks(path):
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack("<q", 0))


def program_of(workload):
    """Loads the arguments and calls the function. So that all of the result is computed, as many elements of it are
    looked at as a file says, which nobody knows when compiling: none."""
    loads = {}
    for name, dtype, shape in workload.arguments:
        parameter = name.partition(".")[0]
        record = workload.records.get(parameter)
        loads[parameter] = (f'{parameter}: {record} = load("{parameter}.safetensors")' if record else
                            f'{parameter}: {dtype}{list(shape)} = load("{parameter}.safetensors", "t")')
    first = ", ".join(["i"] * workload.rank)
    looks = f"print(called[{first}])" if first else "print(called)"
    return (f'import "{HERE / workload.source}";\n\nfn main() {{\n' + "".join(f"  let {one};\n" for one in loads.values())
            + f'  let looks: i64[1] = load("looks.npy");\n  let called = {workload.function}({", ".join(loads)});\n'
            f"  for i in 0..looks[0] {{ {looks}; }}\n}}\n")


def looks_back(calls):
    """Whether something comes back that may decide about a launch."""
    return "\nlaunch " in calls.partition("\ncopy_out ")[2]


def plan(tenon, workload, out):
    """Why there is no plan for a GPU, by its name."""
    missing = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_arguments(workload, folder)
        write_looks(folder / "looks.npy")
        (folder / "main.tn").write_text(program_of(workload))
        for gpu in GPUS:
            (out / gpu).mkdir(parents=True, exist_ok=True)
            calls = out / gpu / f"{workload.key}.calls"
            done = subprocess.run(
                [tenon, "run", "-O3", "--target", "sim", "--gpu-arch", gpu, *(f"-D{d}" for d in workload.defines),
                 "--no-tensors" if workload.numbers else "--dry-run", "--record", calls.with_suffix(""),
                 folder / "main.tn"], capture_output=True, text=True)
            if done.returncode != 0:
                missing[gpu] = (done.stderr.strip().splitlines() or ["no reason"])[0]
            elif not workload.numbers and looks_back(calls.read_text()):
                missing[gpu] = "the host looks at numbers that a dry run does not have"
            if gpu in missing:
                calls.unlink(missing_ok=True)
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
