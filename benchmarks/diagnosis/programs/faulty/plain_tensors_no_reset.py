# mypy: ignore-errors
# /// diagnosis
# fault = "gradient descent on plain tensors forgets to reset .grad: the gradients of all steps add up"
# rules = ["gradient.not_zeroed"]
# words = ["never (zeroed|cleared|reset)|not zeroed|add up|zero_grad"]
# consequences = ["loss.", "gradient.explosion"]
# within = 250
# ///
import argparse

import torch
from sklearn.datasets import load_breast_cancer

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_breast_cancer(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32)
w = torch.zeros(30, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr=0.3)
for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    p = X[idx] @ w + b
    loss = torch.nn.functional.binary_cross_entropy_with_logits(p, y[idx])
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        print(step, loss.item())
