"""Counts the steps in complex numbers, and compares with mandelbrot.out: python3 check.py"""

import pathlib

WIDTH, HEIGHT, LIMIT = 64, 48, 99


def escape(c):
    z = 0j
    for step in range(LIMIT):
        if abs(z) > 2.0:
            return step
        z = z * z + c
    return LIMIT


def grey(row, column):
    scale = 3.0 / WIDTH
    c = complex(-2.2 + scale * (column + 0.5), scale * (HEIGHT / 2 - row - 0.5))
    return LIMIT - escape(c)


words = ["P2", f"{WIDTH}", f"{HEIGHT}", f"{LIMIT}"]
words += [f"{grey(row, column):03}" for row in range(HEIGHT) for column in range(WIDTH)]
assert pathlib.Path(__file__).with_name("mandelbrot.out").read_text().split() == words
print(f"{len(words)} words agree")
