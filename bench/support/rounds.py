"""Peers that take turns: a process each, which waits until it is asked (bench/cpu/worker/worker.h has the protocol)."""

import math
import os
import signal
import subprocess
import sys
import tempfile

SECONDS_PER_TURN = 0.005
SECONDS_TO_SPREAD = 0.05
SECONDS_TO_WARM = 1  # of a first run; behind it nothing gets faster
SECONDS_PER_PEER = 20  # in all rounds of a workload
PATIENCE = 120  # seconds for one run; a peer that is slower than that is left out


class Worker:
    """A peer with a number of threads, waiting for its turn; 0 threads: it works elsewhere, on a GPU."""

    def __init__(self, peer, command, threads, pinned):
        self.peer, self.threads, self.command, self.pinned = peer, threads, command, pinned
        self.failures = {}  # what it said last, by the work of which it died
        self.start()

    def start(self):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self.command, env=self.peer.environment_for(self.threads), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, text=True, start_new_session=True,
            preexec_fn=(lambda: os.sched_setaffinity(0, {self.pinned})) if self.threads == 1 else None)
        self.stop()

    def stop(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def ask(self, *lines):
        """Its answer to the last line, in words; none if it dies of it."""
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
        """The sum of its result, and of its magnitudes; nothing if it cannot do this. One that has died starts anew."""
        if self.process.poll() is not None:
            self.start()
        self.workload, self.once = workload, None  # seconds that one run takes; not known yet
        answer = self.ask(workload.prepare)
        if not answer:
            self.bury()
        return tuple(float(x) for x in answer[1:]) if answer[:1] == ["ready"] else None

    def bury(self):
        self.end()
        self.errors.seek(0)
        said = self.errors.read().strip().splitlines()
        self.failures[self.workload.name] = said[-1] if said else f"ends with status {self.process.returncode}"

    def time(self, count):
        spreads = self.threads > 1 and self.once is not None
        before = [f"time {math.ceil(SECONDS_TO_SPREAD / self.once)}"] if spreads else []
        answer = self.ask(*before, f"time {count}")
        if answer[:1] != ["took"]:
            self.bury()
            return None
        self.once = max(float(answer[1]) / count, 1e-9)
        return self.once

    def end(self):
        self.process.kill()
        self.process.wait()


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


def measure(workload, workers, rounds, say, turn=SECONDS_PER_TURN):
    """Seconds of each round, in which everybody works for `turn` seconds, by (peer, threads); and who computes
    something else."""
    ready = {}
    for worker in workers:
        result = worker.prepare(workload)
        if result is not None:
            ready[worker] = result
    names = {worker: f"{worker.peer.name}, {worker.threads}" for worker in ready}
    compared = {names[w]: r for w, r in ready.items() if w.peer.computes}
    wrong = disagreement(compared, workload.tolerance) if compared else []
    counts, seconds = {}, {}
    for worker in list(ready):
        once = worker.time(1)
        if once is not None and once < SECONDS_TO_WARM:
            once = worker.time(1)
        if once is None or once > PATIENCE:
            del ready[worker]
            continue
        counts[worker] = max(1, round(turn / once))
        seconds[worker] = []
    for done in range(rounds):
        say(f"{workload.name}: round {done + 1} of {rounds}")
        for worker, times in list(seconds.items()):
            if done >= kept_rounds(rounds, times):
                continue
            times.append(worker.time(counts[worker]))
            if times[-1] is None:
                del seconds[worker]
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


def failures(workers):
    """Why peers did not do what they began, by their name and the workload's."""
    return {f"{worker.peer.name}, {name}": why for worker in workers for name, why in worker.failures.items()}


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
