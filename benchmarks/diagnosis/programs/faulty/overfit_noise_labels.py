# mypy: ignore-errors
# /// diagnosis
# fault = "an embedding classifier memorises random labels: the validation loss climbs from the first epochs"
# rules = ["loss.overfit", "evaluation.overfit", "training.overfit"]
# words = ["overfit|generali[sz]|validation loss|memori"]
# within = 1000
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
VOCAB, LENGTH = 500, 12
tokens = torch.randint(0, VOCAB, (480, LENGTH))
labels = (tokens[:, 0] % 4 + torch.randint(0, 3, (480,))) % 4
train_x, train_y, val_x, val_y = tokens[:240], labels[:240], tokens[240:], labels[240:]


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.EmbeddingBag(VOCAB, 64, mode="mean")
        self.fc1 = nn.Linear(64, 128)
        self.fc2 = nn.Linear(128, 4)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(self.embedding(x))))


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
        self.criterion = nn.CrossEntropyLoss()

    def train_epoch(self):
        self.model.train()
        order = torch.randperm(len(train_x))
        for i in range(0, len(order), 24):
            idx = order[i : i + 24]
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(train_x[idx]), train_y[idx])
            loss.backward()
            self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        return self.criterion(self.model(val_x), val_y).item()


trainer = Trainer(Bag(), 5e-3)
for epoch in range(80):
    train_loss = trainer.train_epoch()
    val_loss = trainer.validate()
    if epoch % 5 == 0:
        print(epoch, f"{train_loss:.3f} {val_loss:.3f}")
