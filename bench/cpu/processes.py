"""Whole processes: from nothing to a network's first result, weights drawn on the way.

Tenon compiles and runs (`tenon run`), or runs what was built before; a peer's worker is started, told
the same work, and ends.
"""

import os
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = {"mlp batch 64": "networks.tn", "gpt2 block": "gpt2.tn", "resnet18": "resnet18.tn"}


class Process:
    """Something to start; `name` and `threads` as a peer has them."""

    def __init__(self, name, command, environment, text=""):
        self.name, self.command, self.environment, self.text = name, command, environment, text

    def time(self):
        start = time.perf_counter()
        done = subprocess.run(self.command, env=self.environment, input=self.text, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        fine = done.returncode == 0 and "cannot" not in done.stdout and done.stdout.strip()
        return seconds if fine else None


def build_program(tenon, source, folder):
    program = folder / source.replace(".tn", "")
    done = subprocess.run([tenon, "build", HERE / source, "-o", program], capture_output=True, text=True)
    return program if done.returncode == 0 else None


def processes_for(workload, tenon, peers, threads, folder):
    """The peers are (peer, command) pairs of whoever could be made."""
    source = PROGRAMS[workload.name]
    own = {**os.environ, "TENON_THREADS": str(threads)}
    started = [Process("Tenon", [tenon, "run", "--threads", str(threads), HERE / source], own)]
    program = build_program(tenon, source, folder)
    if program:
        started.append(Process("Tenon, built", [program], own))
    for peer, command in peers:
        if command and threads in peer.threads:
            started.append(Process(peer.name, command, peer.environment_for(threads), workload.prepare + "\n"))
    return started


def measure(workload, tenon, peers, threads, folder, rounds, say):
    """Seconds of each round by (name, threads)."""
    started = [p for p in processes_for(workload, tenon, peers, threads, folder) if p.time() is not None]
    seconds = {(p.name, threads): [] for p in started}
    for done in range(rounds):
        say(f"{workload.name}, whole process: round {done + 1} of {rounds}")
        for process in started:
            seconds[process.name, threads].append(process.time())
    return seconds
