# mypy: ignore-errors
# /// diagnosis
# fault = "two losses are computed and backward is called on one of them: the classifier is never trained"
# rules = ["loss.left_out"]
# words = ["never trained", "backward"]
# consequences = ["parameter.unused"]
# within = 100
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
digits = load_digits()
X, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU())
        self.decoder = nn.Linear(32, 64)
        self.classifier = nn.Linear(32, 10)

    def forward(self, x):
        hidden = self.encoder(x)
        return self.decoder(hidden), self.classifier(hidden)


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for i in range(0, 1700, 100):
        restored, logits = model(X[i : i + 100])
        reconstruction = F.mse_loss(restored, X[i : i + 100])
        classification = F.cross_entropy(logits, y[i : i + 100])
        optimizer.zero_grad()
        reconstruction.backward()
        optimizer.step()
    print(epoch, reconstruction.item(), classification.item())
