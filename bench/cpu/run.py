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
import signal
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import processes  # noqa: E402
import report  # noqa: E402
from peers import PEERS, Peer  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

HERE = Path(__file__).resolve().parent
SECONDS_PER_TURN = 0.005
SECONDS_TO_SPREAD = 0.05
SECONDS_PER_PEER = 20  # in all rounds of a workload
PROCESS_ROUNDS = 7  # whole processes take seconds
PATIENCE = 120  # seconds for one run; a peer that is slower than that is left out


class Worker:
    """A peer with a number of threads, waiting for its turn."""

    def __init__(self, peer, command, threads, pinned):
        self.peer, self.threads = peer, threads
        self.process = subprocess.Popen(
            command, env=peer.environment_for(threads), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, start_new_session=True,
            preexec_fn=(lambda: os.sched_setaffinity(0, {pinned})) if threads == 1 else None)
        self.stop()

    def stop(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def ask(self, *lines):
        """Its answer to the last line, in words; none if it has gone."""
        os.kill(self.process.pid, signal.SIGCONT)
        answer = []
        try:
            for line in lines:
                self.process.stdin.write(line + "\n")
                self.process.stdin.flush()
                answer = self.process.stdout.readline().split()
            return answer
        except BrokenPipeError:
            return []
        finally:
            self.stop()

    def prepare(self, workload):
        answer = self.ask(workload.prepare)
        return tuple(float(x) for x in answer[1:]) if answer[:1] == ["ready"] else None

    def time(self, count):
        spread = round(count * SECONDS_TO_SPREAD / SECONDS_PER_TURN)
        answer = self.ask(*[f"time {spread}"] * (self.threads > 1), f"time {count}")
        return float(answer[1]) / count if answer[:1] == ["took"] else None

    def end(self):
        self.process.kill()
        self.process.wait()


# ---- Tenon's side

def build_libraries(tenon, workloads, folder):
    """One library per workload; the worker finds them by a list."""
    lines, missing = [], {}
    for n, workload in enumerate(workloads):
        library = folder / f"workload{n}.so"
        done = subprocess.run(
            [tenon, "build", "-O3", HERE / workload.source, "--export", f"run={workload.function}", "-o", library],
            capture_output=True, text=True)
        if done.returncode == 0:
            lines.append(f"{workload.key}={library}:run\n")
        else:
            missing[workload.name] = done.stderr.strip().splitlines()[0]
    (folder / "libraries").write_text("".join(lines))
    return missing


def tenon_peer(folder, threads):
    return Peer("Tenon", "", ("cc", "-O2"), "tenon.c", ("-ldl",),
                {"TENON_LIBRARIES": str(folder / "libraries"), "TENON_THREADS": "{threads}"},
                threads=threads)


# ---- measuring

def disagreement(results, tolerance):
    """Whose results differ from what most say."""
    sums = sorted(total for total, _ in results.values())
    middle, magnitude = sums[len(sums) // 2], max(m for _, m in results.values())
    return [name for name, (total, _) in results.items()
            if not abs(total - middle) <= tolerance * magnitude]


def kept_rounds(rounds, times):
    """Who is slow works in fewer rounds, but in three."""
    return max(3, min(rounds, int(SECONDS_PER_PEER / max(times)))) if times else rounds


def measure(workload, workers, rounds, say):
    """Seconds of each round by (peer, threads); and who computes something else."""
    ready = {}
    for worker in workers:
        result = worker.prepare(workload)
        if result is not None:
            ready[worker] = result
    names = {worker: f"{worker.peer.name}, {worker.threads}" for worker in ready}
    wrong = disagreement({names[w]: r for w, r in ready.items()}, workload.tolerance) if ready else []
    counts, seconds = {}, {}
    for worker in list(ready):
        once = worker.time(1)
        if once is None or once > PATIENCE:
            del ready[worker]
            continue
        counts[worker] = max(1, round(SECONDS_PER_TURN / max(min(once, worker.time(1)), 1e-9)))
        seconds[worker] = []
    for done in range(rounds):
        say(f"{workload.name}: round {done + 1} of {rounds}")
        for worker, times in seconds.items():
            if done < kept_rounds(rounds, times):
                times.append(worker.time(counts[worker]))
    return {(w.peer.name, w.threads): times for w, times in seconds.items()}, wrong


def selected(items, parts, text):
    return [item for item in items if not parts or any(part in text(item) for part in parts)]


def make_all(peers, folder):
    """(peer, command) of those that are there, and why others are not."""
    made, missing = [], {}
    for peer in peers:
        command, problem = peer.make(folder)
        if command:
            made.append((peer, command))
        else:
            missing[peer.name] = f"package {peer.package}: {problem}"
    return made, missing


def start_workers(made, thread_counts):
    return [Worker(peer, command, threads, pinned=os.cpu_count() - 1)
            for peer, command in made for threads in thread_counts if threads in peer.threads]


def measure_functions(workloads, workers, options):
    results = []
    for workload in workloads:
        seconds, wrong = measure(workload, workers, options.rounds, progress)
        results.append(report.Result(workload, seconds, wrong))
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
            others = [(peer, command) for peer, command in made if peer.name != "Tenon"]
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


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("build", type=Path)
    arguments.add_argument("--only", action="append")
    arguments.add_argument("--peers", action="append")
    arguments.add_argument("--threads", default="1,2")
    arguments.add_argument("--functions", action="store_true", help="no whole processes")
    arguments.add_argument("--processes", action="store_true", help="nothing but whole processes")
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("-o", dest="out", type=Path)
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no worker is left behind
    thread_counts = [int(n) for n in options.threads.split(",")]
    workloads = selected(WORKLOADS, options.only, lambda w: f"{w.name} {w.group}")
    if not workloads:
        sys.exit("no workload has that in its name; there are: " + ", ".join(w.name for w in WORKLOADS))
    tenon = options.build.resolve() / "bin/tenon"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        progress("building")
        missing = {f"Tenon, {w}": why for w, why in build_libraries(tenon, workloads, folder).items()}
        peers = [tenon_peer(folder, (1, 2))] + selected(PEERS, options.peers, lambda p: p.name)
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
             "rounds": options.rounds, "missing": {**missing, **absent}}
    for peer, why in facts["missing"].items():
        print(f"missing: {peer} ({why})")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "cpu.json").write_text(json.dumps(report.as_json(facts, results, whole), indent=1) + "\n")
        (options.out / "cpu.md").write_text(report.page(facts, results, whole, PEERS))


if __name__ == "__main__":
    main()
