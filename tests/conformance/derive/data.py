"""Makes the files of right/data: .npy by NumPy, .safetensors by hand from the format's page."""
import json
import os
import struct
import numpy as np
from tenon_text import RIGHT

DATA = os.path.join(RIGHT, "data")
CODES = {"float32": "F32", "float64": "F64", "float16": "F16", "int32": "I32", "int64": "I64",
         "int8": "I8", "bool": "BOOL"}


def npy(name, array):
    np.save(os.path.join(DATA, name + ".npy"), array)


def safetensors(name, tensors):
    """Values are arrays, or (bf16 bits as uint16 array,)."""
    header, body = {}, b""
    for key, value in tensors.items():
        code, array = ("BF16", value[0]) if isinstance(value, tuple) else (CODES[str(value.dtype)], value)
        data = np.ascontiguousarray(array).tobytes()
        header[key] = {"dtype": code, "shape": list(array.shape),
                       "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(DATA, name + ".safetensors"), "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + body)


small = np.array([[1, -2, 3], [4, 5, -6]])
npy("i32_2x3", small.astype("<i4"))
npy("i32_2x3_big_endian", small.astype(">i4"))
npy("i32_2x3_fortran", np.asfortranarray(small.astype("<i4")))
npy("f64_scalar", np.array(0.1))
npy("f16_3", np.array([1.5, -0.0, 65504.0], dtype="<f2"))
npy("bool_3", np.array([True, False, True]))
npy("i8_empty", np.zeros((0, 4), dtype="i1"))

safetensors("mixed", {
    "half": np.array([0.5, -2.0], dtype="<f2"),
    "brain": (np.array([0x3F80, 0xC049, 0x7F80], dtype="<u2"),),
    "counts": small.astype("<i8"),
    "flags": np.array([True, False]),
    "one": np.array(2.5, dtype="<f4"),
})
safetensors("mlp", {
    "out.w": np.array([[1.0], [-1.0]], dtype="<f4"),
    "out.b": np.array([0.25], dtype="<f4"),
    "hidden.b": np.array([0.5, 0.0], dtype="<f4"),
    "hidden.w": np.array([[1.0, 2.0], [3.0, 4.0]], dtype="<f4"),
    "scale": np.array(2.0, dtype="<f4"),
})
