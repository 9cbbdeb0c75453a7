"""The page of bench/gpu."""

from results import spelled

TITLE = "# One GPU: Tenon and the libraries"


def cell(result, name):
    who = (name, 0)
    if who not in result.seconds:
        return "–"
    text = f"{spelled(result.median(who))} ±{result.spread(who):.0%}"
    if name == "Tenon":
        text += f"<br>{result.rate(result.median(who))}"
    elif result.ratio(who):
        text += f"<br>{result.ratio(who):.2f}"
    return text + (" (!)" if f"{name}, 0" in result.wrong else "")


def share_of(result):
    """What the workload asks for on an H200, and what was reached: Tenon's speed over somebody's."""
    peer = result.workload.share
    if ("Tenon", 0) not in result.seconds or (peer, 0) not in result.seconds:
        return "–"
    reached = result.median((peer, 0)) / result.median(("Tenon", 0))
    bar = result.workload.bar
    return f"{reached:.0%} of {peer}" + (f" (bar {bar:.0%}{'' if reached >= bar else ', missed'})" if bar else "")


def table(results, peers):
    names = [name for name in peers if any((name, 0) in result.seconds for result in results)]
    lines = ["| workload | " + " | ".join(names) + " | reached |", "|---" * (len(names) + 2) + "|"]
    for result in results:
        cells = [cell(result, name) for name in names]
        lines.append(f"| {result.workload.name} | " + " | ".join(cells) + f" | {share_of(result)} |")
    return lines


def page(facts, results, peers):
    """`peers` in the order of the columns."""
    lines = [
        TITLE, "",
        "`make bench-gpu` writes this page; `bench/gpu/README.md` says how it measures.", "",
        f"{facts['gpu']}, driver {facts['driver']}; {facts['date']}; medians of {facts['rounds']} rounds, ± half of "
        "what lies between the quarters. Below each time stands Tenon's, divided by it: under 1, Tenon is faster. (!) "
        "computes something else.", "",
        *table(results, [peer.name for peer in peers]),
        "", "## Who", "",
    ]
    for peer in peers:
        absent = facts["missing"].get(peer.name)
        notes = "; ".join(n for n in (peer.package, peer.note) if n) or "the functions of bench/gpu/*.tn, -O3"
        lines.append(f"- {peer.name}: " + (f"missing: {absent}" if absent else notes))
    for name, why in facts["missing"].items():
        if name not in [peer.name for peer in peers]:
            lines.append(f"- {name}: missing: {why}")
    return "\n".join(lines) + "\n"
