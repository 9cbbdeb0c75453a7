"""Makes the outputs of index_runs_anywhere, matmul_operator, broadcasting and mixed_stencil."""
import numpy as np
from tenon_text import line, record

i, j, k = np.indices((2, 2, 3))
x = 100 * i + 10 * j + k
record("index_runs_anywhere",
       line(x.sum(axis=0), x.sum(axis=(0, 1)), 6, [1, 2, 3]),
       line(np.swapaxes(x, 0, 2), np.array([[1], [2]])))

a, v = np.array([[1, 2], [3, 4]]), np.array([5, 6])
b = np.array([a, 2 * a])
f = np.array([[0.5, 1.0]])
record("matmul_operator",
       line(a @ a, a @ v, v @ a, v @ v, v @ a @ v),
       line(b @ a),
       line(b @ v, 1 + v @ v * 2),
       line(f @ np.array([[2.0], [3.0]]), 2.0 * f @ np.array([2.0, 1.0])))

c, r = np.array([[1], [2]]), np.array([10, 20, 30])
i, j, l = np.indices((2, 1, 2))
record("broadcasting",
       line(c + r, c * 2, 3 - r, -c),
       line(i + l + np.array([[0], [100]])),
       line(np.maximum(c, [1, 2, 3]), np.array([1, 2, 3]) == [1, 5, 3], np.minimum(r, 15) % 7,
            r // np.array([3, 7, -4])),
       line(np.ones((0, 3)) + r))

g = np.zeros((5, 5), int)
g[[0, 1, 2, 2, 2], [1, 2, 0, 1, 2]] = 1
for _ in range(20):
    n = sum(np.roll(g, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1)) - g
    g = ((n == 3) | ((n == 2) & (g == 1))).astype(int)
record("mixed_stencil", line(g), line([1.0, 1.75, 2.5]))
