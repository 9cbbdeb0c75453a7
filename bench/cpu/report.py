"""The page of bench/cpu, and its JSON."""

import results as measured
from results import Result, is_tenon, lines_of, table, tenon_name, with_earlier  # noqa: F401


def page(facts, results, whole, peers):
    lines = [
        "# One processor: Tenon and the libraries",
        "",
        "`make bench` writes this page; `bench/cpu/run.py` says how it measures.",
        "",
        f"{facts['processor']}, {facts['cores']} cores; {facts['date']}; medians of {facts['rounds']} rounds, ± half "
        "of what lies between the quarters. Below each time stands Tenon's, divided by it: under 1, Tenon is "
        "faster. Who packs weights beforehand is compared with Tenon, packed. (!) computes something else.",
    ]
    for threads in sorted({n for result in results for n in result.threads()}):
        lines += ["", f"## {threads} thread{'s' if threads > 1 else ''}", ""] + table(results, threads)
    for threads in sorted({n for result in whole for n in result.threads()}):
        lines += ["", f"## Whole processes, {threads} thread{'s' if threads > 1 else ''}", ""]
        lines += table(whole, threads, rates=False)
    lines += ["", "## Who", ""]
    for peer in peers:
        absent = facts["missing"].get(peer.name)
        notes = [f"package {peer.package}"] + [n for n in (peer.note, peer.weights and "weights packed beforehand") if n]
        lines.append(f"- {peer.name}: " + ("missing: " + absent if absent else "; ".join(notes)))
    return "\n".join(lines) + "\n"


def as_json(facts, results, whole):
    return {**measured.as_json(facts, results), "processes": measured.as_json({}, whole)["functions"]}
