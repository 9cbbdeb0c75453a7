#!/usr/bin/env python3
"""Tenon against the libraries that people use, on one processor (`make bench`).

  run.py BUILD [--only=PART …] [--peers=PART …] [--threads=1,2] [--rounds=15]
         [--functions] [--processes] [-o FOLDER]

Each peer is a process that waits for its turn (worker/worker.h). In a round every peer runs a
workload once, for at least a few milliseconds; the median of the rounds counts, so that what else the
machine does falls on all alike. While one works the others are stopped: no thread of theirs spins. With
one thread it is the processor's time that is taken, with more the clock's, after some runs that nobody
counts: threads that were stopped go on where they were, and the kernel takes milliseconds to spread them.
All get the same numbers, and what they compute is compared.

--only and --peers take what has PART in its name or group; without -o nothing is written.
"""

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "support")]
import processes  # noqa: E402
import report  # noqa: E402
from peer import Peer  # noqa: E402
from peers import PEERS  # noqa: E402
from rounds import failures, make_all, measure, progress, selected, start_workers  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

HERE = Path(__file__).resolve().parent
PROCESS_ROUNDS = 7  # whole processes take seconds


PACKED = frozenset(peer.name for peer in PEERS if peer.weights)


# ---- Tenon's side

def list_of_libraries(folder, packed):
    return folder / f"libraries of {report.tenon_name(packed)}"


def build_libraries(tenon, workloads, folder, packed):
    """One library per workload that has weights, if they are to be packed; the worker finds them by a list."""
    lines, missing = [], {}
    for n, workload in enumerate(workloads):
        if packed and not workload.constants:
            continue
        library = folder / f"workload{n}{'packed' if packed else ''}.so"
        constants = ["--constant", f"run.{workload.constants}"] if packed else []
        done = subprocess.run(
            [tenon, "build", "-O3", HERE / workload.source, "--export", f"run={workload.function}", *constants,
             *(f"-D{define}" for define in workload.defines), "-o", library],
            capture_output=True, text=True)
        if done.returncode == 0:
            size = re.search(r"#define run_prepared_bytes (\d+)", library.with_suffix(".h").read_text())
            lines.append(f"{workload.key}={library}:{size[1] if size else 0}\n")
        else:
            missing[workload.name] = done.stderr.strip().splitlines()[0]
    list_of_libraries(folder, packed).write_text("".join(lines))
    return missing


def tenon_peer(folder, packed):
    name = report.tenon_name(packed)
    return Peer(name, "", ("cc", "-O2"), "tenon.c", ("-ldl",),
                {"TENON_LIBRARIES": str(list_of_libraries(folder, packed)), "TENON_THREADS": "{threads}"},
                weights="constant" if packed else "")


def measure_functions(workloads, workers, options):
    results = []
    for workload in workloads:
        seconds, wrong = measure(workload, workers, options.rounds, progress)
        results.append(report.Result(workload, seconds, wrong, PACKED))
        progress("")
        print(report.lines_of(results[-1]), flush=True)
    return results


def measure_processes(workloads, tenon, made, thread_counts, folder, rounds):
    results = []
    for workload in workloads:
        if workload.name not in processes.PROGRAMS:
            continue
        seconds = {}
        for threads in thread_counts:
            others = [(peer, command) for peer, command in made if not report.is_tenon(peer.name)]
            seconds |= processes.measure(workload, tenon, others, threads, folder, rounds, progress)
        results.append(report.Result(workload, seconds, []))
        progress("")
        print("whole process: " + report.lines_of(results[-1]), flush=True)
    return results


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("build", type=Path)
    arguments.add_argument("--only", action="append")
    arguments.add_argument("--peers", action="append")
    arguments.add_argument("--threads", default="1,2")
    arguments.add_argument("--functions", action="store_true", help="no whole processes")
    arguments.add_argument("--processes", action="store_true", help="nothing but whole processes")
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--earlier", type=Path, help="cpu.json of a run whose rounds count too")
    arguments.add_argument("-o", dest="out", type=Path)
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no worker is left behind
    thread_counts = [int(n) for n in options.threads.split(",")]
    workloads = selected(WORKLOADS, options.only, lambda w: f"{w.name} {w.group}")
    if not workloads:
        sys.exit("no workload has that in its name; there are: " + ", ".join(w.name for w in WORKLOADS))
    earlier = json.loads(options.earlier.read_text()) if options.earlier else None
    if earlier and earlier["processor"] != processor():
        sys.exit(f"the earlier run was on another processor: {earlier['processor']}")
    tenon = options.build.resolve() / "bin/tenon"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        progress("building")
        missing = {f"{report.tenon_name(packed)}, {w}": why for packed in (False, True)
                   for w, why in build_libraries(tenon, workloads, folder, packed).items()}
        peers = [tenon_peer(folder, packed) for packed in (False, True)] + selected(PEERS, options.peers, lambda p: p.name)
        made, absent = make_all(peers, folder)
        workers = start_workers(made, thread_counts)
        try:
            results = [] if options.processes else measure_functions(workloads, workers, options)
        finally:
            for worker in workers:
                worker.end()
        whole = [] if options.functions else measure_processes(workloads, tenon, made, thread_counts, folder,
                                                               min(options.rounds, PROCESS_ROUNDS))
    facts = {"processor": processor(), "cores": os.cpu_count(), "date": str(date.today()),
             "rounds": options.rounds + (earlier["rounds"] if earlier else 0), "missing": {**missing, **absent, **failures(workers)}}
    if earlier:
        report.with_earlier(results, earlier["functions"])
        report.with_earlier(whole, earlier["processes"])
    for peer, why in facts["missing"].items():
        print(f"missing: {peer} ({why})")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "cpu.json").write_text(json.dumps(report.as_json(facts, results, whole), indent=1) + "\n")
        (options.out / "cpu.md").write_text(report.page(facts, results, whole, PEERS))


if __name__ == "__main__":
    main()
