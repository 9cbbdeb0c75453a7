#!/usr/bin/env python3
"""Scalar kernels in Tenon against the same algorithms in C (`make bench-scalar`).

  run.py BUILD [--counts] [--times] [--only=NAME] [-o FILE.md]

Counts: instructions that the kernel executes, by callgrind, from its entry to its end (the process's
start is not counted; what the kernel has the libraries do is). LLVM only generates code for what Tenon
writes, its own passes are off; C is compiled with -O2. Both for x86-64-v3, which valgrind knows.

Times: pairs of processes, one after the other on one processor, first the one and then the other in
turn; of a process the fastest of RUNS runs. The ratio is the median of the pairs'. LLVM's passes are on,
-O3 -march=native on both sides.

The page ends with profile.md: what was seen where Tenon's code and C's differ.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COUNTS_BAR, TIMES_BAR = 1.5, 1.05
RUNS = 25  # in one process; the first ones get their pages from the system


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return done


def find_clang(build):
    """Of the LLVM that Tenon uses, so that code generators are the same."""
    doctor = run(build / "bin/tenon", "doctor").stdout
    version = re.search(r"\b(19|2[0-2])\.\d+\.\d+", doctor)
    clang = f"clang-{version.group(1)}" if version else "clang"
    return clang, run(clang, "--version").stdout.splitlines()[0]


class Kernel:
    def __init__(self, name, build, clang, folder):
        self.name, self.build, self.clang, self.folder = name, build, clang, folder
        self.text = folder / f"{name}.ll"
        run(build / "bin/tenon", "emit", "llvm", "-O2", HERE / f"{name}.tn", "-o", self.text)

    def tenon(self, *options):
        program, code = self.folder / f"{self.name}.tenon", self.folder / f"{self.name}.o"
        run(self.clang, *options, "-Wno-override-module", "-fPIC", "-c", "-x", "ir", self.text, "-o", code)
        runtime = self.build / "lib/libtenon_runtime.a"
        run("c++", "-std=c++20", "-O2", f"-I{ROOT}", HERE / "harness.cpp", code, runtime, "-lfmt", "-ltbb", "-lpthread",
            "-o", program)
        return program

    def c(self, *options):
        program = self.folder / f"{self.name}.c"
        run(self.clang, *options, "-Dmain=program", "-c", HERE / f"{self.name}.c", "-o", f"{program}.o")
        run(self.clang, "-O2", HERE / "harness.c", f"{program}.o", "-lm", "-o", program)
        return program

    def count(self, program, entry):
        done = run("valgrind", "--tool=callgrind", f"--toggle-collect={entry}",
                   "--callgrind-out-file=/dev/null", program, cwd=self.folder)
        return int(re.search(r"Collected : (\d+)", done.stderr).group(1)), done.stdout

    def counts(self):
        flags = ("-O2", "-march=x86-64-v3")
        ours, our_output = self.count(self.tenon(*flags, "-Xclang", "-disable-llvm-passes"), "tenon_main")
        theirs, their_output = self.count(self.c(*flags), "program")
        check_same(self.name, our_output, their_output)
        return ours, theirs

    def times(self, pairs):
        flags = ("-O3", "-march=native")
        ours, theirs = self.tenon(*flags), self.c(*flags)
        seconds = []
        for pair in range(pairs):
            order = (ours, theirs) if pair % 2 == 0 else (theirs, ours)
            took = {p: float(run(p, RUNS, cwd=self.folder, preexec_fn=pin).stderr) for p in order}
            seconds.append((took[ours], took[theirs]))
        ratio = statistics.median(a / b for a, b in seconds)
        return min(a for a, _ in seconds), min(b for _, b in seconds), ratio


def pin():
    """To one processor, the last one, so that a process does not lose its caches on the way."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def check_same(name, ours, theirs):
    """The same output, floats as numbers: shortest and %.17g are spelled differently."""
    ours, theirs = ours.split(), theirs.split()
    same = len(ours) == len(theirs) and all(
        a == b or abs(float(a) - float(b)) <= 1e-12 * abs(float(b)) for a, b in zip(ours, theirs))
    if not same:
        sys.exit(f"{name}: Tenon prints {ours}, C prints {theirs}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("build", type=Path)
    arguments.add_argument("--counts", action="store_true")
    arguments.add_argument("--times", action="store_true")
    arguments.add_argument("--only")
    arguments.add_argument("--pairs", type=int, default=15)
    arguments.add_argument("-o", dest="out", type=Path)
    options = arguments.parse_args()
    build = options.build.resolve()
    clang, version = find_clang(build)
    names = [options.only] if options.only else sorted(p.stem for p in HERE.glob("*.tn"))
    both = options.counts == options.times
    lines = [
        "# Scalar kernels: Tenon against C",
        "",
        "`make bench-scalar` writes this page; `bench/scalar/run.py` says how it measures.",
        "",
        f"Compiler of C, and code generator for both: {version}.",
        "",
    ]
    with tempfile.TemporaryDirectory() as folder:
        kernels = [Kernel(name, build, clang, Path(folder)) for name in names]
        if both or options.counts:
            lines += table_of_counts(kernels)
        if both or options.times:
            lines += table_of_times(kernels, options.pairs)
    lines += (HERE / "profile.md").read_text().splitlines()
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")
    else:
        print("\n".join(lines))


def table_of_counts(kernels):
    lines = [
        f"## Instructions executed, LLVM's passes off, against clang -O2 (at most {COUNTS_BAR} times)",
        "",
        "| kernel | Tenon | C | ratio |",
        "|---|---:|---:|---:|",
    ]
    for kernel in kernels:
        ours, theirs = kernel.counts()
        lines.append(f"| {kernel.name} | {ours:,} | {theirs:,} | {mark(ours / theirs, COUNTS_BAR)} |")
        print(lines[-1], file=sys.stderr)
    return lines + [""]


def table_of_times(kernels, pairs):
    lines = [
        f"## Time, LLVM's passes on, against clang -O3 (at most {TIMES_BAR} times)",
        "",
        f"Milliseconds of the fastest run; the ratio is the median of {pairs} pairs, in turn, on one processor.",
        "",
        "| kernel | Tenon | C | ratio |",
        "|---|---:|---:|---:|",
    ]
    for kernel in kernels:
        ours, theirs, ratio = kernel.times(pairs)
        lines.append(f"| {kernel.name} | {ours * 1e3:.2f} | {theirs * 1e3:.2f} | {mark(ratio, TIMES_BAR)} |")
        print(lines[-1], file=sys.stderr)
    return lines + [""]


def mark(ratio, bar):
    return f"{ratio:.2f}" if ratio <= bar else f"**{ratio:.2f}**"


if __name__ == "__main__":
    main()
