# mypy: ignore-errors
# /// diagnosis
# fault = "a hand-written softmax without subtracting the maximum overflows once logits are large: inf / inf"
# rules = ["loss.nonfinite", "gradient.nonfinite"]
# within = 400
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
W1 = (torch.randn(64, 100) * 0.1).requires_grad_()
W2 = (torch.randn(100, 10) * 0.5).requires_grad_()
optimizer = torch.optim.Adam([W1, W2], lr=0.05)


def softmax(z):
    e = torch.exp(z)
    return e / e.sum(1, keepdim=True)


for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    p = softmax(torch.relu(X[idx] @ W1) @ W2)
    loss = nn.functional.nll_loss(torch.log(p + 1e-9), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        print(step, loss.item())
