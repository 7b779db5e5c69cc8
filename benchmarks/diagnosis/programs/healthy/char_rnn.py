# mypy: ignore-errors
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
text = (
    "In the beginning there was only the sea, and nobody asked it for anything. Then came the boats, small ones "
    "first, then larger ones, and with them came questions: how deep, how far, how long until the next shore? "
) * 20
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text])


class CharRNN(nn.Module):
    def __init__(self, vocab, hidden=96):
        super().__init__()
        self.encoder = nn.Embedding(vocab, 32)
        self.rnn = nn.LSTM(32, hidden, 2)
        self.decoder = nn.Linear(hidden, vocab)

    def forward(self, x, state):
        out, state = self.rnn(self.encoder(x), state)
        return self.decoder(out), state


model = CharRNN(len(chars))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
BATCH, LENGTH = 10, 25
columns = data[: len(data) // BATCH * BATCH].view(BATCH, -1).t()
for epoch in range(18):
    state = None
    for i in range(0, len(columns) - LENGTH - 1, LENGTH):
        if state is not None:
            state = tuple(s.detach() for s in state)
        x, y = columns[i : i + LENGTH], columns[i + 1 : i + 1 + LENGTH]
        out, state = model(x, state)
        loss = criterion(out.flatten(0, 1), y.flatten())
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    print(epoch, loss.item())
