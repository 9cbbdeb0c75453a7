"""Makes the outputs of print_scalars, print_elision, print_limit and print_ranks."""
import numpy as np
from tenon_text import line, record

f32, f64 = np.float32, np.float64

record("print_scalars",
       line(*f32([1.0, 100.0, 0.1, 1e15, 1e16, 123456.0, 0.0001, 0.00001, 0.00012345, 9.9999e-5])),
       line(*f64([9999999999999998.0, 1e16, 123456789012345680.0, 0.0001, 0.00009])),
       line(*f32([16777216.0, 1073741824.0, 3.4028235e38, 1e-45, 1.1754944e-38, 33554432.0, 1e10])),
       line(*f64([1.7976931348623157e308, 5e-324, 2.2250738585072014e-308])),
       line(f64(0.1) + f64(0.2), f32(0.1) + f32(0.2), f32(0.1), f64(0.5)))


def fill(shape, rule):
    return rule(*np.indices(shape))


record("print_elision",
       line(np.arange(1001)),
       line(fill((7, 143), lambda i, j: 1000 * i + j)),
       line(fill((6, 167), lambda i, j: j)),
       line(fill((501, 2), lambda i, j: 2 * i + j)),
       line(fill((3, 7, 50), lambda i, j, k: 100 * j + k)))

record("print_limit",
       line(np.arange(1000) % 10),
       line(fill((100, 10), lambda i, j: i + j)))

a = fill((2, 2, 2), lambda i, j, k: 4 * i + 2 * j + k)
record("print_ranks",
       line(a),
       line(fill((2, 2, 1, 2), lambda i, j, k, l: 4 * i + 2 * j + l)),
       line(fill((2, 1, 2, 1, 1), lambda i, j, k, l, m: 2 * i + k)),
       line(fill((3, 1, 1), lambda i, j, k: i)),
       line("x", a, "y"))
