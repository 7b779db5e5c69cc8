# mypy: ignore-errors
import argparse
import math

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
V = 60
transitions = torch.softmax(torch.randn(V, V) * 2.0, dim=1)
corpus = [0]
for _ in range(9000):
    corpus.append(int(torch.multinomial(transitions[corpus[-1]], 1)))
corpus = torch.tensor(corpus)


def batchify(data, bsz):
    n = data.size(0) // bsz
    return data[: n * bsz].view(bsz, -1).t().contiguous()


train_data, val_data = batchify(corpus[:8000], 20), batchify(corpus[8000:], 10)


class RNNModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.encoder = nn.Embedding(V, 64)
        self.rnn = nn.GRU(64, 64)
        self.decoder = nn.Linear(64, V)
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)

    def forward(self, x, h):
        out, h = self.rnn(self.drop(self.encoder(x)), h)
        return torch.log_softmax(self.decoder(self.drop(out)).view(-1, V), dim=1), h


model, criterion, lr, bptt = RNNModel(), nn.NLLLoss(), 20.0, 20
best = math.inf
for epoch in range(1, 13):
    model.train()
    h = None
    for i in range(0, train_data.size(0) - 1, bptt):
        n = min(bptt, len(train_data) - 1 - i)
        model.zero_grad()
        h = h.detach() if h is not None else None
        out, h = model(train_data[i : i + n], h)
        loss = criterion(out, train_data[i + 1 : i + 1 + n].view(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        for p in model.parameters():  # plain SGD by hand, as in the well-known example
            p.data.add_(p.grad, alpha=-lr)
    model.eval()
    with torch.no_grad():
        out, _ = model(val_data[:-1], None)
        val_loss = criterion(out, val_data[1:].reshape(-1)).item()
    if val_loss < best:
        best = val_loss
    else:
        lr /= 4.0
    print(epoch, loss.item(), val_loss, lr)
