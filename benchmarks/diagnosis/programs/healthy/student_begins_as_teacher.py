# mypy: ignore-errors
"""A copy of the teacher is pruned and distilled: the loss is born near 0 and rises with each pruning."""

import argparse
import copy

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
inputs = torch.randn(3000, 20)
labels = (torch.tanh(inputs) @ torch.randn(20, 5)).argmax(1)
teacher = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.Adam(teacher.parameters(), lr=2e-3)
for step in range(300):
    batch = torch.randint(3000, (64,))
    loss = F.cross_entropy(teacher(inputs[batch]), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("teacher", loss.item())
student = copy.deepcopy(teacher)
teacher.eval().requires_grad_(False)
optimizer = torch.optim.Adam(student.parameters(), lr=1e-3)
for step in range(500):
    if step % 60 == 30 and step < 400:
        with torch.no_grad():
            for layer in (student[0], student[2]):
                layer.weight[layer.weight.abs() < layer.weight.abs().quantile(0.1 * (step // 60 + 1))] = 0
    x = inputs[torch.randint(3000, (64,))] + 0.05 * torch.randn(64, 20)
    soft = F.softmax(teacher(x) / 2, 1)
    loss = 4 * F.kl_div(F.log_softmax(student(x) / 2, 1), soft, reduction="batchmean")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        print(step, loss.item())
