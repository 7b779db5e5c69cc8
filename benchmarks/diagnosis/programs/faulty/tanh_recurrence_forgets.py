# mypy: ignore-errors
# /// diagnosis
# fault = "the label is the first of 120 tokens and a small tanh recurrence forgets it"
# rules = ["loss.plateau", "gradient.van", "gradient.zero", "init."]
# words = ["gradient", "vanish"]
# within = 600
# ///
import argparse

import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Net(nn.Module):
    def __init__(s):
        super().__init__()
        s.embed = nn.Embedding(8, 16)
        s.rnn = nn.RNN(16, 48, batch_first=True)
        s.fc = nn.Linear(48, 8)
        for n, p in s.rnn.named_parameters():
            if "weight" in n:
                nn.init.normal_(p, 0, 0.05)

    def forward(s, x):
        o, h = s.rnn(s.embed(x))
        return s.fc(o[:, -1])


net = Net()
opt = torch.optim.Adam(net.parameters(), 1e-3)
crit = nn.CrossEntropyLoss()
X = torch.randint(0, 8, (3200, 120))
ds = torch.utils.data.TensorDataset(X, X[:, 0].clone())
ld = torch.utils.data.DataLoader(ds, 32, shuffle=True)
for ep in range(6):
    for x, y in ld:
        opt.zero_grad()
        loss = crit(net(x), y)
        loss.backward()
        opt.step()
    print(ep, loss.item())
