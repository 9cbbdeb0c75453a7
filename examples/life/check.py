"""Plays the game on the set of living cells, and compares with life.out: python3 check.py"""

import collections
import pathlib

HEIGHT, WIDTH, GENERATIONS, EVERY = 16, 40, 80, 40
GLIDER = [(0, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
PENTOMINO = [(0, 1), (0, 2), (1, 0), (1, 1), (2, 1)]
AROUND = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


def step(alive):
    near = collections.Counter(((y + i) % HEIGHT, (x + j) % WIDTH) for y, x in alive for i, j in AROUND)
    return {cell for cell, count in near.items() if count == 3 or count == 2 and cell in alive}


alive = {(y + 1, x + 1) for y, x in GLIDER}
alive |= {(y + HEIGHT // 2, x + WIDTH // 2) for y, x in PENTOMINO}
lines = []
for generation in range(GENERATIONS + 1):
    if generation % EVERY == 0:
        lines.append(f"generation {generation} population {len(alive)}")
        lines += ["".join(".#"[(y, x) in alive] for x in range(WIDTH)) for y in range(HEIGHT)]
    alive = step(alive)
assert pathlib.Path(__file__).with_name("life.out").read_text().splitlines() == lines
print(f"{len(lines)} lines agree")
