"""Calls library.tn from Python: NumPy's arrays are what C calls pointers."""

import ctypes
import sys

import numpy as np
from numpy.ctypeslib import ndpointer


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int32), ("message", ctypes.c_char * 508)]


library = ctypes.CDLL(sys.argv[1])
f32 = ndpointer(np.float32, flags="C_CONTIGUOUS")
library.dense.argtypes = [f32] * 4 + [ctypes.POINTER(Error)]
library.pick.argtypes = [f32, ctypes.c_int64, f32, ctypes.POINTER(Error)]

draw = np.random.default_rng(1)
x, w, b = (draw.standard_normal(shape, dtype=np.float32) for shape in ((2, 3), (3, 4), 4))
y = np.empty((2, 4), np.float32)
assert library.dense(x, w, b, y, None) == 0
np.testing.assert_allclose(y, np.maximum(x @ w + b, 0), rtol=1e-5, atol=1e-6)

wide, v, c = (draw.standard_normal(shape, dtype=np.float32) for shape in ((3, 20), (20, 40), 40))
space = np.empty(1 << 16, np.uint8)
prepared = ctypes.c_void_p(space.ctypes.data + -space.ctypes.data % 64)
assert library.scaled_prepare(v.ctypes, c.ctypes, np.ones(40, np.float32).ctypes, ctypes.c_float(2), prepared,
                              ctypes.c_int64(16), None) == -2
assert library.scaled_prepare(v.ctypes, c.ctypes, np.ones(40, np.float32).ctypes, ctypes.c_float(2), prepared,
                              ctypes.c_int64(space.size - 64), None) == 0
z = np.empty((3, 40), np.float32)
assert library.scaled(wide.ctypes, prepared, z.ctypes, None) == 0
np.testing.assert_allclose(z, np.maximum(2 * (wide @ v + c), 0), rtol=1e-4, atol=1e-4)

error, one = Error(), np.empty(1, np.float32)
assert library.pick(np.zeros(5, np.float32), 7, one, ctypes.byref(error)) == 701
assert b"subscript 7 is out of range for extent 5" in error.message, error.message
print("NumPy agrees")
