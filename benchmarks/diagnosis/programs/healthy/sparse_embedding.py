# mypy: ignore-errors
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
USERS, ITEMS = 400, 300
true_u, true_i = torch.randn(USERS, 4), torch.randn(ITEMS, 4)


class Factorisation(nn.Module):
    def __init__(self, k=8):
        super().__init__()
        self.u = nn.Embedding(USERS, k, sparse=True)
        self.i = nn.Embedding(ITEMS, k, sparse=True)
        nn.init.normal_(self.u.weight, std=0.1)
        nn.init.normal_(self.i.weight, std=0.1)

    def forward(self, u, i):
        return (self.u(u) * self.i(i)).sum(1)


model = Factorisation()
optimizer = torch.optim.SparseAdam(list(model.parameters()), lr=1e-2)
for step in range(600):
    u, i = torch.randint(0, USERS, (256,)), torch.randint(0, ITEMS, (256,))
    rating = (true_u[u] * true_i[i]).sum(1) + 0.1 * torch.randn(256)
    loss = nn.functional.mse_loss(model(u, i), rating)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
