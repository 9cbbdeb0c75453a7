#!/usr/bin/env python3
"""Tenon against the libraries that people use, on one GPU (`make bench-gpu`).

  run.py (--tenon=TENON | --plans=FOLDER) [--only=PART …] [--peers=PART …] [--rounds=15] [--small] [-o FOLDER]

What Tenon launches is planned by --tenon, or was planned before (plan.py). Each peer is a process that waits for
its turn; in a round everybody works for a twentieth of a second, timed by CUDA events on the card, and the median of
the rounds counts. All get the same numbers, and what they compute is compared. Clocks are left alone.

It ends with 77, and says what is missing, where there is no GPU. --only and --peers take what has PART in its name or
group; without -o nothing is written.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "support")]
import peers as known  # noqa: E402
import plan  # noqa: E402
import report  # noqa: E402
import results as measured  # noqa: E402
from rounds import failures, make_all, measure, progress, selected, start_workers  # noqa: E402
from workloads import SMALL, WORKLOADS  # noqa: E402

SECONDS_PER_TURN = 0.05
NOTHING_HERE = 77


def card():
    """Its name and its driver's version, or nothing and why."""
    try:
        done = subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader", "--id=0"],
                              capture_output=True, text=True)
    except OSError:
        return None, "there is no nvidia-smi on this machine: no driver for an NVIDIA GPU"
    if done.returncode != 0:
        return None, (done.stdout + done.stderr).strip() or "nvidia-smi finds no GPU"
    name, version = (part.strip() for part in done.stdout.strip().rsplit(",", 1))
    return (name, version), ""


def measure_all(workloads, workers, rounds):
    results = []
    for workload in workloads:
        seconds, wrong = measure(workload, workers, rounds, progress, SECONDS_PER_TURN)
        results.append(measured.Result(workload, seconds, wrong))
        progress("")
        print(measured.lines_of(results[-1]), flush=True)
    return results


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    source = arguments.add_mutually_exclusive_group(required=True)
    source.add_argument("--tenon", type=Path)
    source.add_argument("--plans", type=Path)
    arguments.add_argument("--only", action="append")
    arguments.add_argument("--peers", action="append")
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--small", action="store_true", help="what tests run, beside plain loops on the processor")
    arguments.add_argument("-o", dest="out", type=Path)
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no worker is left behind
    offered = SMALL if options.small else WORKLOADS
    workloads = selected(offered, options.only, lambda w: f"{w.name} {w.group}")
    if not workloads:
        sys.exit("no workload has that in its name; there are: " + ", ".join(w.name for w in offered))
    found, why = card()
    if found is None:
        print(f"bench-gpu: skipped, nothing was measured: {why}")
        sys.exit(NOTHING_HERE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        missing = {}
        if options.tenon:
            progress("planning")
            for workload in workloads:
                for gpu, problem in plan.plan(options.tenon.resolve(), workload, folder / "plans").items():
                    missing[f"Tenon, {workload.name} for {gpu}"] = problem
        plans = options.plans.resolve() if options.plans else folder / "plans"
        others = known.others("cpu") + [known.plain()] if options.small else known.others()
        progress("building")
        peers = [known.tenon(plans)] + selected(others, options.peers, lambda p: p.name)
        made, absent = make_all(peers, folder)
        workers = start_workers(made, (0,))
        try:
            results = measure_all(workloads, workers, options.rounds)
        finally:
            for worker in workers:
                worker.end()
    for peer, _ in made:
        if not any((peer.name, 0) in result.seconds for result in results):
            missing[peer.name] = "its worker measured nothing"
    facts = {"gpu": found[0], "driver": found[1], "date": str(date.today()), "rounds": options.rounds,
             "missing": {**missing, **absent, **failures(workers)}}
    for name, problem in facts["missing"].items():
        print(f"missing: {name} ({problem})")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "gpu.json").write_text(json.dumps(measured.as_json(facts, results), indent=1) + "\n")
        (options.out / "gpu.md").write_text(report.page(facts, results, peers))


if __name__ == "__main__":
    main()
