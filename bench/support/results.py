"""What was measured, as lines, as tables and as JSON."""

import statistics
from dataclasses import dataclass


def tenon_name(packed):
    return "Tenon, packed" if packed else "Tenon"


def is_tenon(name):
    return name in (tenon_name(False), tenon_name(True))


@dataclass
class Result:
    workload: object
    seconds: dict        # (peer, threads): of each round
    wrong: list          # peers that computed something else
    packed: frozenset = frozenset()  # peers whose weights are packed beforehand

    def median(self, who):
        return statistics.median(self.seconds[who])

    def spread(self, who):
        """Half of what lies between the quarters, relative to the median."""
        quarters = statistics.quantiles(self.seconds[who], n=4)
        return (quarters[2] - quarters[0]) / 2 / self.median(who)

    def threads(self):
        return sorted({threads for _, threads in self.seconds})

    def rate(self, seconds):
        work = self.workload
        if work.steps:
            return f"{work.steps / seconds:.0f} tokens/s"
        return f"{work.flops / seconds * 1e-9:.1f} GFLOP/s" if work.flops else f"{work.bytes / seconds * 1e-9:.1f} GB/s"

    def ratio(self, who):
        """Tenon's time over theirs, with packed weights if they pack them: above 1 they are faster."""
        ours = (tenon_name(who[0] in self.packed), who[1])
        if ours not in self.seconds:
            ours = (tenon_name(False), who[1])
        return self.median(ours) / self.median(who) if ours in self.seconds else None


def with_earlier(results, entries):
    """The rounds of an earlier run, as JSON has them, count too, of who was measured both times."""
    known = {entry["workload"]: entry["seconds"] for entry in entries}
    for result in results:
        for (name, threads), times in result.seconds.items():
            times[:0] = known.get(result.workload.name, {}).get(f"{name}, {threads}", [])


def spelled(seconds):
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            break
    return f"{seconds * factor:.3g} {unit}"


def with_threads(threads):
    return f"{threads} thread{'s' if threads > 1 else ' '}" if threads else ""


def lines_of(result):
    lines = [result.workload.name]
    for threads in result.threads():
        rows = sorted((w for w in result.seconds if w[1] == threads), key=result.median)
        for who in rows:
            ratio = result.ratio(who)
            wrong = "  computes something else" if f"{who[0]}, {threads}" in result.wrong else ""
            lines.append(
                f"  {with_threads(threads)} {who[0]:18} {spelled(result.median(who)):>9} "
                f"±{result.spread(who):4.0%}  best {spelled(min(result.seconds[who])):>9} "
                f"{result.rate(min(result.seconds[who])):>15}"
                + (f"  Tenon takes {ratio:.2f} times that" if ratio and not is_tenon(who[0]) else "") + wrong)
    return "\n".join(lines)


def table(results, threads, rates=True):
    """A row per workload: Tenon, then everyone else by its name, with Tenon's share of the time."""
    names = []
    for result in results:
        names += [name for name, n in result.seconds if n == threads and name not in names]
    names.sort(key=lambda name: not is_tenon(name))
    lines = ["| workload | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for result in results:
        cells = []
        for name in names:
            who = (name, threads)
            if who not in result.seconds:
                cells.append("–")
                continue
            text = f"{spelled(result.median(who))} ±{result.spread(who):.0%}"
            ratio = result.ratio(who)
            if is_tenon(name) and rates:
                text += f"<br>{result.rate(result.median(who))}"
            elif ratio and not is_tenon(name):
                text += f"<br>{ratio:.2f}"
            cells.append(text + (" (!)" if f"{name}, {threads}" in result.wrong else ""))
        lines.append(f"| {result.workload.name} | " + " | ".join(cells) + " |")
    return lines


def as_json(facts, results):
    def plain(result):
        return {"workload": result.workload.name, "flops": result.workload.flops, "bytes": result.workload.bytes,
                "wrong": result.wrong,
                "seconds": {f"{name}, {threads}": times for (name, threads), times in result.seconds.items()}}
    return {**facts, "functions": [plain(r) for r in results]}
