# mypy: ignore-errors
# /// diagnosis
# fault = "the queue of keys is only added to and never cut: each step compares with all keys since the start"
# rules = ["memory.grow", "timing.slowing"]
# words = ["grow|longer", "tensor|step"]
# within = 400
# ///
import argparse
import copy

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
means = torch.randn(20, 40)


class MoCo(nn.Module):
    def __init__(self, dim=32, momentum=0.99, temperature=0.2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(40, 96), nn.ReLU(), nn.Linear(96, dim))
        self.key_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        self.momentum, self.temperature = momentum, temperature
        self.register_buffer("queue", F.normalize(torch.randn(64, dim), dim=1))

    @torch.no_grad()
    def keys_of(self, x):
        for key, query in zip(self.key_encoder.parameters(), self.encoder.parameters()):
            key.mul_(self.momentum).add_(query, alpha=1 - self.momentum)
        return F.normalize(self.key_encoder(x), dim=1)

    def forward(self, one, other):
        queries = F.normalize(self.encoder(one), dim=1)
        keys = self.keys_of(other)
        positive = (queries * keys).sum(1, keepdim=True)
        negative = queries @ self.queue.t()
        logits = torch.cat([positive, negative], 1) / self.temperature
        self.queue = torch.cat([keys, self.queue])
        return F.cross_entropy(logits, torch.zeros(len(one), dtype=torch.long))


model = MoCo()
optimizer = torch.optim.SGD(model.encoder.parameters(), lr=0.05, momentum=0.9)
for step in range(400):
    x = means[torch.randint(0, 20, (64,))] + 0.5 * torch.randn(64, 40)
    loss = model(x + 0.1 * torch.randn_like(x), x + 0.1 * torch.randn_like(x))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
