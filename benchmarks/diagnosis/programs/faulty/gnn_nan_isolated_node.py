# mypy: ignore-errors
# /// diagnosis
# fault = "a graph network divides by the degree, and one node of a later graph has none (0 / 0)"
# rules = ["loss.nonfinite", "gradient.nonfinite"]
# step = 90
# within = 30
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class GraphLayer(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.own, self.others = nn.Linear(a, b), nn.Linear(a, b)

    def forward(self, x, adjacency):
        mean = adjacency @ x / adjacency.sum(1, keepdim=True)
        return torch.relu(self.own(x) + self.others(mean))


class GNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2 = GraphLayer(8, 32), GraphLayer(32, 32)
        self.head = nn.Linear(32, 1)

    def forward(self, x, adjacency):
        return self.head(self.l2(self.l1(x, adjacency), adjacency).mean(0))


def graph(n=20, isolated=False):
    adjacency = (torch.rand(n, n) < 0.3).float()
    adjacency = ((adjacency + adjacency.T + torch.eye(n).roll(1, 0)) > 0).float()
    if isolated:
        adjacency[3], adjacency[:, 3] = 0, 0
    x = torch.randn(n, 8)
    return x, adjacency, (adjacency @ x[:, :1]).mean().reshape(1) / 5


model = GNN()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
graphs = [graph(isolated=i == 90) for i in range(200)]
for step, (x, adjacency, target) in enumerate(graphs):
    loss = (model(x, adjacency) - target).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, loss.item())
