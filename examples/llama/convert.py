#!/usr/bin/env python3
"""convert.py stories260K.pt tok512.bin DIR: the checkpoint as llama.tn reads it.

PyTorch's linear layers hold [outputs, inputs]; x @ w wants [inputs, outputs], so matrices are
transposed. The layers of each kind are stacked along a new axis 0.
"""
import struct
import sys

import numpy as np
import torch
from safetensors.numpy import save_file

LAYER_TENSORS = {  # the name in llama.tn: the name in the checkpoint, and whether it is a matrix
    "att_norm": ("attention_norm", False),
    "wq": ("attention.wq", True),
    "wk": ("attention.wk", True),
    "wv": ("attention.wv", True),
    "wo": ("attention.wo", True),
    "ffn_norm": ("ffn_norm", False),
    "w1": ("feed_forward.w1", True),
    "w2": ("feed_forward.w2", True),
    "w3": ("feed_forward.w3", True),
}
TOKEN_BYTES = 8


def weights(path):
    model = torch.load(path, map_location="cpu")["model"]
    state = {k.removeprefix("_orig_mod."): v.float().numpy() for k, v in model.items()}
    layers = 1 + max(int(k.split(".")[1]) for k in state if k.startswith("layers."))
    tensors = {"tok_emb": state["tok_embeddings.weight"], "final_norm": state["norm.weight"]}
    for name, (source, is_matrix) in LAYER_TENSORS.items():
        parts = [state[f"layers.{layer}.{source}.weight"] for layer in range(layers)]
        tensors[name] = np.stack([p.T if is_matrix else p for p in parts])
    return {name: np.ascontiguousarray(t, dtype=np.float32) for name, t in tensors.items()}


def vocabulary(path, count):
    """tok512.bin: the longest length, then for each token its score, its length and its bytes."""
    out = np.zeros((count, TOKEN_BYTES), dtype=np.int8)
    with open(path, "rb") as file:
        file.read(4)
        for token in range(count):
            _, length = struct.unpack("<fi", file.read(8))
            text = file.read(length)
            out[token, :length] = np.frombuffer(text, dtype=np.int8)
    return out


def main():
    checkpoint, tokenizer, folder = sys.argv[1:]
    tensors = weights(checkpoint)
    save_file(tensors, f"{folder}/model.safetensors")
    np.save(f"{folder}/vocab.npy", vocabulary(tokenizer, len(tensors["tok_emb"])))


if __name__ == "__main__":
    main()
