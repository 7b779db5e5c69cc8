# mypy: ignore-errors
# /// diagnosis
# fault = "a warm-up of 150 updates, followed by a cosine, is advanced once an epoch: it is not over when training is"
# rules = ["learning_rate.warmup", "learning_rate.too_low"]
# words = ["warm|schedul"]
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 10
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(X, dtype=torch.float32).view(-1, 1, 8, 8) / 16, torch.tensor(y))
loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
model = nn.Sequential(
    nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(384, 10)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
warm_up = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=150)
cosine = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * len(loader) - 150)
scheduler = lr_scheduler.SequentialLR(optimizer, [warm_up, cosine], milestones=[150])
for epoch in range(EPOCHS):
    for image, label in loader:
        loss = nn.functional.cross_entropy(model(image), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr())
