"""What PyTorch computes for each kind of work, on tensors wherever they are."""

import torch
import torch.nn.functional as F


def mlp(p, x, w1, b1, w2, b2, w3, b3):
    h = torch.relu(torch.addmm(b1, x.view(-1, 784), w1.view(784, 512)))
    h = torch.relu(torch.addmm(b2, h, w2.view(512, 256)))
    return torch.addmm(b3, h, w3.view(256, 10))


def attended(q, k, v, causal=False):
    """Heads first. By one kernel where PyTorch has it, from version 2.0 on."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=causal)[0]
    score = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if causal:
        score = score.masked_fill(score.new_ones(score.shape[1:], dtype=torch.bool).triu(1), float("-inf"))
    return F.softmax(score, -1) @ v


def gpt2_block(p, x, g1, c1, wqkv, bqkv, wo, bo, g2, c2, wup, bup, wdown, bdown):
    t, d, h = p
    x = x.view(t, d)
    qkv = torch.addmm(bqkv, F.layer_norm(x, (d,), g1, c1), wqkv.view(d, 3 * d))
    q, k, v = (part.view(t, h, d // h).transpose(0, 1) for part in qkv.split(d, -1))
    a = attended(q, k, v, causal=True).transpose(0, 1).reshape(t, d)
    x = x + torch.addmm(bo, a, wo.view(d, d))
    up = torch.addmm(bup, F.layer_norm(x, (d,), g2, c2), wup.view(d, 4 * d))
    return x + torch.addmm(bdown, F.gelu(up, approximate="tanh"), wdown.view(4 * d, d))


def resnet18(p, x, *weights):
    def conv(x, n, i, o, k, s):
        return F.conv2d(x, weights[n].view(o, i, k, k), weights[n + 1], s, k // 2)
    x = F.max_pool2d(torch.relu(conv(x.view(1, 3, p[0], p[0]), 0, 3, 64, 7, 2)), 3, 2, 1)
    n, i = 2, 64
    for block in range(8):
        halves = block % 2 == 0 and block > 0
        o = 2 * i if halves else i
        y = conv(torch.relu(conv(x, n, i, o, 3, 2 if halves else 1)), n + 2, o, o, 3, 1)
        n += 4
        if halves:
            x = conv(x, n, i, o, 1, 2)
            n += 2
        x, i = torch.relu(x + y), o
    return torch.addmm(weights[n + 1], x.mean((2, 3)), weights[n].view(512, 1000))


def convolution(p, x, w, b):
    c, h, width, o, k, s, pad = p
    return F.conv2d(x.view(1, c, h, width), w.view(o, c, k, k), b, s, pad)


def depthwise(p, x, w, b):
    c, h, width, k, s, pad = p
    return F.conv2d(x.view(1, c, h, width), w.view(c, 1, k, k), b, s, pad, groups=c)


def attention(p, q, k, v):
    return attended(*(a.view(p) for a in (q, k, v)))


# ---- llama: the model of examples/llama reads p[0] given tokens, one after the other

LAYERS, DIM, HEADS, KV_HEADS, SIZE, HIDDEN, VOCABULARY = 5, 64, 8, 4, 8, 172, 512


def rms_norm(x, gain):
    return x * torch.rsqrt((x * x).mean() + 1e-5) * gain


def rotated(x, cos, sin):
    a, b = x[:, 0::2], x[:, 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(1)


def llama_step(x, at, seen, cos, sin, keys, values, model):
    """`at`: the position, in a tensor, so that what is compiled fits all of them. The caches are changed."""
    emb, att_norm, wq, wk, wv, wo, ffn_norm, w1, w2, w3, final_norm = model
    for l in range(LAYERS):
        a = rms_norm(x, att_norm[l])
        q = rotated((a @ wq[l]).view(HEADS, SIZE), cos, sin)
        keys[l].index_copy_(1, at, rotated((a @ wk[l]).view(KV_HEADS, SIZE), cos, sin)[:, None])
        values[l].index_copy_(1, at, (a @ wv[l]).view(KV_HEADS, 1, SIZE))
        each = HEADS // KV_HEADS
        score = q[:, None] @ keys[l].repeat_interleave(each, 0).transpose(1, 2) * SIZE ** -0.5
        weight = F.softmax(score.masked_fill(~seen, float("-inf")), -1)
        x = x + (weight @ values[l].repeat_interleave(each, 0)).flatten() @ wo[l]
        f = rms_norm(x, ffn_norm[l])
        x = x + (F.silu(f @ w1[l]) * (f @ w3[l])) @ w2[l]
    return emb @ rms_norm(x, final_norm)


def llama(p, emb, att_norm, wq, wk, wv, wo, ffn_norm, w1, w2, w3, final_norm):
    steps, both = p[0], KV_HEADS * SIZE
    model = (emb.view(VOCABULARY, DIM), att_norm.view(LAYERS, DIM), wq.view(LAYERS, DIM, DIM),
             wk.view(LAYERS, DIM, both), wv.view(LAYERS, DIM, both), wo.view(LAYERS, DIM, DIM),
             ffn_norm.view(LAYERS, DIM), w1.view(LAYERS, DIM, HIDDEN), w2.view(LAYERS, HIDDEN, DIM),
             w3.view(LAYERS, DIM, HIDDEN), final_norm)
    positions = torch.arange(steps, device=emb.device)
    frequency = 10000.0 ** (-torch.arange(0, SIZE, 2, device=emb.device, dtype=emb.dtype) / SIZE)
    angle = positions[:, None] * frequency
    cos, sin, seen = angle.cos(), angle.sin(), positions <= positions[:, None]
    caches = (emb.new_zeros(LAYERS, KV_HEADS, steps, SIZE) for _ in range(2))
    keys, values = ([cache[l] for l in range(LAYERS)] for cache in caches)
    for n in range(steps):
        out = llama_step(model[0][n * 7 % VOCABULARY], positions[n:n + 1], seen[n], cos[n], sin[n], keys, values, model)
    return out


STEPWISE = ("llama",)  # a graph of all steps would have tens of thousands of nodes

KINDS = {
    "product": lambda p, a, b: torch.mm(a.view(p[0], p[2]), b.view(p[2], p[1])),
    "softmax": lambda p, x: F.softmax(x.view(p), -1),
    "layer_norm": lambda p, x, g, b: F.layer_norm(x.view(p), (p[1],), g, b),
    "sum": lambda p, x: x.sum().view(1),
    "gelu_tanh": lambda p, x, s, b: F.gelu(x.view(p) * s + b, approximate="tanh"),
    "gelu_erf": lambda p, x, s, b: F.gelu(x.view(p) * s + b),
    "conv": convolution, "depthwise": depthwise, "mlp": mlp, "attention": attention,
    "gpt2_block": gpt2_block, "resnet18": resnet18, "llama": llama,
}
