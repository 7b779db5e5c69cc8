# mypy: ignore-errors
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)
teacher = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
student = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


def batches(n):
    for _ in range(n):
        idx = torch.randint(0, len(X), (64,))
        yield X[idx], y[idx]


optimizer = torch.optim.Adam(teacher.parameters(), lr=1e-3)
for xb, yb in batches(200):
    loss = F.cross_entropy(teacher(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("teacher", loss.item())
teacher.eval()
optimizer = torch.optim.Adam(student.parameters(), lr=2e-3)
T, alpha = 4.0, 0.7
for step, (xb, yb) in enumerate(batches(400)):
    with torch.no_grad():
        soft = F.softmax(teacher(xb) / T, dim=1)
    logits = student(xb)
    distill = F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean") * T * T
    loss = alpha * distill + (1 - alpha) * F.cross_entropy(logits, yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
