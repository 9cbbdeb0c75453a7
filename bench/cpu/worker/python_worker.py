"""What the workers in Python share: the protocol of worker.h, the inputs, the clock."""

import os
import sys
import time

import numpy as np


def mix(count, seed):
    h = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed * 40503)
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    return h ^ (h >> np.uint32(13))


def drawn(count, seed, scale):
    scale = np.float32(scale)
    return (mix(count, seed) >> np.uint32(8)).astype(np.float32) * np.float32(2 / 16777216) * scale - scale


def read(line):
    """Kind, parameters, inputs."""
    head, inputs, _ = line.split("/")
    kind, *parameters = head.split()[1:]
    arrays = [drawn(int(size), n, float(scale)) for n, (size, scale) in
              enumerate(word.split(":") for word in inputs.split())]
    return kind, tuple(int(p) for p in parameters), arrays


def seconds_of(run, count):
    now = time.process_time if os.environ.get("WORKER_THREADS") == "1" else time.perf_counter
    start = now()
    for _ in range(count):
        run()
    return now() - start


def serve(prepare, to_numpy=lambda out: out, seconds_of=seconds_of):
    """`prepare` makes a function without arguments of a kind, parameters and inputs; or nothing."""
    if "--probe" in sys.argv:
        return
    run = None
    for line in sys.stdin:
        if line.startswith("prepare"):
            run = prepare(*read(line))
            if run is None:
                print("cannot", flush=True)
                continue
            out = to_numpy(run()).ravel()
            total = float(out @ drawn(out.size, 99, 1).astype(np.float64))
            print(f"ready {total:.9g} {float(np.abs(out).sum(dtype=np.float64)):.9g}", flush=True)
        elif line.startswith("time"):
            print(f"took {seconds_of(run, int(line.split()[1])):.9g}", flush=True)
