# mypy: ignore-errors
# /// diagnosis
# fault = "NLLLoss is given raw logits: the loss becomes negative and falls without bound"
# rules = ["loss.expects_log_probabilities"]
# words = ["nll|negative|log.?softmax|log.?probabilit"]
# consequences = ["loss.explosion", "loss.diver", "gradient."]
# within = 200
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
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.NLLLoss()
for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    optimizer.zero_grad()
    loss = criterion(model(X[idx]), y[idx])
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
