"""Computes what heat.tn prints with NumPy in f64, and compares: python3 check.py"""

import pathlib

import numpy as np

N, STEPS, REPORTS, RATE = 24, 60, 3, 0.2

t = np.zeros((N + 2, N + 2))  # with the cold around the plate
t[N // 3 + 1 : N // 2 + 1, N // 4 + 1 : N * 3 // 4 + 1] = 1.0
inner = t[1:-1, 1:-1]
reports = [(t.sum(), t.max())]
for step in range(1, REPORTS * STEPS + 1):
    around = t[:-2, 1:-1] + t[2:, 1:-1] + t[1:-1, :-2] + t[1:-1, 2:]
    inner += RATE * (around - 4.0 * inner)
    if step % STEPS == 0:
        reports.append((t.sum(), t.max()))
grey = np.minimum(9, 10.0 * inner / inner.max()).astype(int)
picture = ["".join(" .:-=+*#%@"[g] * 2 for g in row) for row in grey]
decay = (1.0 - 8.0 * RATE * np.sin(np.pi / (2 * (N + 1))) ** 2) ** (REPORTS * STEPS)

lines = pathlib.Path(__file__).with_name("heat.out").read_text().splitlines()
printed = [(float(line.split()[3]), float(line.split()[5])) for line in lines[: REPORTS + 1]]
assert np.allclose(printed, reports, rtol=1e-5)
assert lines[REPORTS + 1 : -2] == picture
assert np.allclose([float(line.split()[-1]) for line in lines[-2:]], decay, rtol=1e-5)
print(f"{len(lines)} lines agree")
