# mypy: ignore-errors
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Brackets(Dataset):
    """Depth of every bracket, sequences of different lengths."""

    def __init__(self, n=1500):
        g = torch.Generator().manual_seed(args.seed)
        self.data = [
            torch.randint(0, 2, (int(torch.randint(5, 20, (1,), generator=g)),), generator=g) for _ in range(n)
        ]

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        x = self.data[i]
        return x, (x * 2 - 1).cumsum(0).clamp(-3, 3) + 3


def collate(batch):
    xs, ys = zip(*batch)
    pad = nn.utils.rnn.pad_sequence
    return pad(xs, batch_first=True, padding_value=2), pad(ys, batch_first=True, padding_value=-100)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(3, 16, padding_idx=2)
        self.lstm = nn.LSTM(16, 48, batch_first=True)
        self.out = nn.Linear(48, 7)

    def forward(self, x):
        return self.out(self.lstm(self.embedding(x))[0])


if __name__ == "__main__":
    loader = DataLoader(Brackets(), batch_size=32, shuffle=True, collate_fn=collate, num_workers=2)
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss(ignore_index=-100)
    for epoch in range(6):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x).flatten(0, 1), y.flatten())
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
