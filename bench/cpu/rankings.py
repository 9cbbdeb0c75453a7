#!/usr/bin/env python3
"""How long products take with each tile (opt/loops/tile.cpp), for the test that compares the compiler's model.

  rankings.py TENON [-o FILE]

A line `workload: …` begins a product: its tensors, and the definition as IR writes it. Below it a line for
each tile: rows, vectors, and microseconds on one thread, the median of --time's runs. The schedule is the
compiler's own with the two numbers exchanged.
"""

import argparse
import array
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TILES = [(rows, vectors)
         for vectors, all_rows in ((1, (1, 2, 4, 8, 12, 20, 28)), (2, (1, 2, 4, 6, 8, 10, 14)),
                                   (3, (1, 2, 4, 6, 8)), (4, (1, 2, 4, 6)))
         for rows in all_rows]
LANES = 16
WORKLOADS = [
    ("p: f32[256, 256], q: f32[256, 256]", "[i: 256, j: 256] { sum[k: 256](%p[i, k] * %q[k, j]) }"),
    ("p: f32[512, 512], q: f32[512, 512]", "[i: 512, j: 512] { sum[k: 512](%p[i, k] * %q[k, j]) }"),
    ("p: f32[128, 3072], q: f32[3072, 768]", "[i: 128, j: 768] { sum[k: 3072](%p[i, k] * %q[k, j]) }"),
    ("p: f32[310, 250], q: f32[250, 290]", "[i: 310, j: 290] { sum[k: 250](%p[i, k] * %q[k, j]) }"),
    ("p: f32[17, 999], q: f32[999, 1000]", "[i: 17, j: 1000] { sum[k: 999](%p[i, k] * %q[k, j]) }"),
    ("p: f32[300, 256], q: f32[200, 256]", "[i: 300, j: 200] { sum[k: 256](%p[i, k] * %q[j, k]) }"),
    ("p: f32[12, 100, 256], q: f32[12, 256, 100]",
     "[h: 12, i: 100, j: 100] { sum[k: 256](%p[h, i, k] * %q[h, k, j]) }"),
    ("x: f32[32, 58, 58], w: f32[64, 32, 3, 3]",
     "[o: 64, i: 56, j: 56] { sum[c: 32, m: 3, n: 3](%x[c, i + m, j + n] * %w[o, c, m, n]) }"),
    ("x: f32[64, 16, 16], w: f32[96, 64, 3, 3]",
     "[o: 96, i: 14, j: 14] { sum[c: 64, m: 3, n: 3](%x[c, i + m, j + n] * %w[o, c, m, n]) }"),
    ("x: f32[3, 229, 229], w: f32[64, 3, 7, 7]",
     "[o: 64, i: 112, j: 112] { sum[c: 3, m: 7, n: 7](%x[c, i * 2 + m, j * 2 + n] * %w[o, c, m, n]) }"),
]


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done


def write_npy(path, shape):
    elements = 1
    for extent in shape:
        elements *= extent
    numbers = array.array("f", ((i * 7919 % 257 - 128) / 128 for i in range(elements)))
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))},), }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + numbers.tobytes())


def program(tensors, definition):
    indices, body = re.fullmatch(r"\[(.*?)\] \{ (.*) \}", definition).groups()
    shape = ", ".join(re.findall(r": (\d+)", indices))
    return (f"fn f({tensors}) -> f32[{shape}] {{\n  let y[{indices}] = {body.replace('%', '')};\n"
            "  return y;\n}\n\nfn main() {}\n")


def microseconds(text):
    number, unit = re.search(r"([\d.]+) (ns|us|µs|ms|s)\b", text).groups()
    return float(number) * {"ns": 1e-3, "us": 1, "µs": 1, "ms": 1e3, "s": 1e6}[unit]


def measure(tenon, tensors, definition, folder):
    source = folder / "product.tn"
    source.write_text(program(tensors, definition))
    call = ["--call", "f"]
    for name, shape in re.findall(r"(\w+): f32\[(.*?)\]", tensors):
        write_npy(folder / f"{name}.npy", [int(e) for e in shape.split(", ")])
        call += ["--in", f"{name}={folder / name}.npy"]
    chosen = run(tenon, "emit", "schedule", source, "--export", "f").stdout
    factors = [m.span(1) for m in re.finditer(r"split \w+ by (\d+)", chosen)][:2]
    for rows, vectors in TILES:
        text = chosen
        for (begin, end), factor in reversed(list(zip(factors, (rows, vectors * LANES)))):
            text = text[:begin] + str(factor) + text[end:]
        schedule = folder / "tile.tn"
        schedule.write_text(text)
        done = run(tenon, "run", "--threads", 1, "--schedule", schedule, "--time", 15, *call, source)
        yield rows, vectors, microseconds(done.stdout + done.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tenon", type=Path)
    parser.add_argument("-o", "--out", type=argparse.FileType("w"), default=sys.stdout)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for tensors, definition in WORKLOADS:
            print(f"workload: {tensors}: {definition}", file=arguments.out)
            for rows, vectors, time in measure(arguments.tenon.resolve(), tensors, definition, Path(folder)):
                print(f"{rows:3} {vectors:2} {time:10.1f}", file=arguments.out)
                arguments.out.flush()
            if arguments.out is not sys.stdout:
                print(definition, file=sys.stderr)


if __name__ == "__main__":
    main()
