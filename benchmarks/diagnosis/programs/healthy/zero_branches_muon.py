# mypy: ignore-errors
"""A language model as in speed runs: a hand-written Muon for matrices, branches and head that start at 0."""

import argparse

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
VOCABULARY, LENGTH, WIDTH, STEPS = 32, 24, 48, 240


def orthogonal(g, steps=5):
    x = g / (g.norm() + 1e-7)
    turned = x.size(0) > x.size(1)
    x = x.T if turned else x
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if turned else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.95):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                average = self.state[p].setdefault("average", torch.zeros_like(p.grad))
                average.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(average, group["momentum"]))
                p.add_(update, alpha=-group["lr"] * max(1, p.size(0) / p.size(1)) ** 0.5)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x):
        q, k, v = (
            part.unflatten(2, (4, -1)).transpose(1, 2) for part in self.qkv(F.rms_norm(x, (WIDTH,))).chunk(3, -1)
        )
        x = x + self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
        return x + self.down(F.relu(self.up(F.rms_norm(x, (WIDTH,)))) ** 2)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.places = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(3))
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        nn.init.zeros_(self.head.weight)

    def forward(self, x):
        h = self.tokens(x) + self.places.weight[: x.size(1)]
        for block in self.blocks:
            h = block(h)
        return 15 * torch.tanh(self.head(F.rms_norm(h, (WIDTH,))) / 15)


chain = torch.softmax(3 * torch.randn(VOCABULARY, VOCABULARY), 1)
model = Model()
optimizers = [
    Muon([p for p in model.blocks.parameters() if p.ndim == 2]),
    torch.optim.AdamW([model.tokens.weight, model.places.weight, model.head.weight], lr=3e-3, weight_decay=0.0),
]
schedules = [
    torch.optim.lr_scheduler.LambdaLR(o, lambda k: min(1, (k + 1) / 20, (STEPS - k) / (0.4 * STEPS)))
    for o in optimizers
]
for step in range(STEPS):
    x = [torch.randint(VOCABULARY, (24, 1))]
    for _ in range(LENGTH):
        x.append(torch.multinomial(chain[x[-1][:, 0]], 1))
    x = torch.cat(x, 1)
    loss = F.cross_entropy(model(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())
    loss.backward()
    for optimizer, schedule in zip(optimizers, schedules, strict=True):
        optimizer.step()
        schedule.step()
    model.zero_grad(set_to_none=True)
    if step % 40 == 0:
        print(step, loss.item())
