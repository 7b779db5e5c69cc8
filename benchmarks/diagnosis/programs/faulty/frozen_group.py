# mypy: ignore-errors
# /// diagnosis
# fault = "the encoder has a learning rate of its own but stays frozen: unfreezing looks for a wrong name"
# rules = ["parameter.frozen", "parameter.never_changes", "parameter.detached"]
# words = ["frozen|requires_grad|never (chang|updat|receiv|get)|no gradient"]
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
X, y = torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(y)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Linear(256, 10)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


model = Net()
for p in model.features.parameters():
    p.requires_grad = False
optimizer = torch.optim.AdamW(
    [{"params": model.features.parameters(), "lr": 1e-4}, {"params": model.classifier.parameters(), "lr": 1e-3}]
)
for step in range(300):
    if step == 50:  # warm-up of the head is over
        for name, p in model.named_parameters():
            if name.startswith("backbone"):
                p.requires_grad = True
    idx = torch.randint(0, len(X), (32,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
