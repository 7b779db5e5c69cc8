# mypy: ignore-errors
# /// diagnosis
# fault = "a recurrent net's gradients are clipped to a norm of 0.002 instead of 2: momentum gets it nowhere"
# rules = ["learning_rate.too_low", "loss.plateau"]
# words = ["clip"]
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 48, batch_first=True)
        self.out = nn.Linear(48, 6)

    def forward(self, x):
        return self.out(self.gru(x)[0][:, -1])


model = Counter()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(600):
    events = torch.randint(0, 4, (64, 10))
    count = (events == 2).sum(1).clamp(max=5)
    loss = nn.functional.cross_entropy(model(nn.functional.one_hot(events, 4).float()), count)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 2e-3)
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
