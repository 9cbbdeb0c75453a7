"""Computes what kmeans.tn prints with NumPy in f64, and compares: python3 check.py"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent))
from drawn import compare, normal

POINTS, ROUNDS = 300, 8

place = np.array([[0.0, 0.0], [6.0, 1.0], [2.0, 5.0]])
x = place[np.arange(POINTS) % 3] + normal((POINTS, 2), 7)
centre, inertia = x[[0, 3, 6]], []
for _ in range(ROUNDS + 1):
    distance = ((x[:, None] - centre) ** 2).sum(2)
    inertia.append(distance.min(1).sum())
    found, nearest = centre, distance.argmin(1)
    centre = np.array([x[nearest == k].mean(0) for k in range(3)])
compare(HERE / "kmeans.out", inertia, found)
