"""What PyTorch computes for each kind of work, on tensors wherever they are."""

import torch
import torch.nn.functional as F


def mlp(p, x, w1, b1, w2, b2, w3, b3):
    h = torch.relu(torch.addmm(b1, x.view(-1, 784), w1.view(784, 512)))
    h = torch.relu(torch.addmm(b2, h, w2.view(512, 256)))
    return torch.addmm(b3, h, w3.view(256, 10))


def gpt2_block(p, x, g1, c1, wqkv, bqkv, wo, bo, g2, c2, wup, bup, wdown, bdown):
    t, d, h = p
    x = x.view(t, d)
    qkv = torch.addmm(bqkv, F.layer_norm(x, (d,), g1, c1), wqkv.view(d, 3 * d))
    q, k, v = (part.view(t, h, d // h).transpose(0, 1) for part in qkv.split(d, -1))
    score = q @ k.transpose(-1, -2) * (d // h) ** -0.5
    score = score.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), float("-inf"))
    a = (F.softmax(score, -1) @ v).transpose(0, 1).reshape(t, d)
    x = x + torch.addmm(bo, a, wo.view(d, d))
    up = torch.addmm(bup, F.layer_norm(x, (d,), g2, c2), wup.view(d, 4 * d))
    return x + torch.addmm(bdown, F.gelu(up, approximate="tanh"), wdown.view(4 * d, d))


def resnet18(p, x, *weights):
    def conv(x, n, i, o, k, s):
        return F.conv2d(x, weights[n].view(o, i, k, k), weights[n + 1], s, k // 2)
    x = F.max_pool2d(torch.relu(conv(x.view(1, 3, 224, 224), 0, 3, 64, 7, 2)), 3, 2, 1)
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
    q, k, v = (a.view(p) for a in (q, k, v))
    return F.softmax(q @ k.transpose(-1, -2) * p[2] ** -0.5, -1) @ v


KINDS = {
    "product": lambda p, a, b: torch.mm(a.view(p[0], p[2]), b.view(p[2], p[1])),
    "softmax": lambda p, x: F.softmax(x.view(p), -1),
    "layer_norm": lambda p, x, g, b: F.layer_norm(x.view(p), (p[1],), g, b),
    "sum": lambda p, x: x.sum().view(1),
    "gelu_tanh": lambda p, x, s, b: F.gelu(x.view(p) * s + b, approximate="tanh"),
    "gelu_erf": lambda p, x, s, b: F.gelu(x.view(p) * s + b),
    "conv": convolution, "depthwise": depthwise, "mlp": mlp, "attention": attention,
    "gpt2_block": gpt2_block, "resnet18": resnet18,
}
