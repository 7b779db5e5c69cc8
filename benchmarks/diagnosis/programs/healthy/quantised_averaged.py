# mypy: ignore-errors
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.checkpoint import checkpoint

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class FakeQ(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, b):
        s = x.abs().max() / (2 ** (b - 1) - 1) + 1e-8
        return (x / s).round().clamp(-(2 ** (b - 1)), 2 ** (b - 1) - 1) * s

    @staticmethod
    def backward(ctx, g):
        return g, None


class QLinear(nn.Linear):
    def forward(s, x):
        return F.linear(FakeQ.apply(x, 8), FakeQ.apply(s.weight, 4), s.bias)


class Net(nn.Module):
    def __init__(s):
        super().__init__()
        s.a = nn.Sequential(QLinear(64, 128), nn.BatchNorm1d(128), nn.ReLU())
        s.b = nn.Sequential(QLinear(128, 128), nn.LayerNorm(128), nn.ReLU())
        s.c = QLinear(128, 10)

    def forward(s, x):
        x = s.a(x)
        x = checkpoint(s.b, x, use_reentrant=False) if s.training else s.b(x)
        return s.c(x)


d = load_digits()
X = torch.tensor(d.data, dtype=torch.float32) / 16
X = (X - X.mean(0)) / (X.std(0) + 1e-3)
Y = torch.tensor(d.target)
ld = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X[:1500], Y[:1500]), 50, shuffle=True)
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
swa = AveragedModel(net)
sch = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=15)
swas = SWALR(opt, swa_lr=0.02, anneal_epochs=2)
for ep in range(20):
    net.train()
    for x, y in ld:
        opt.zero_grad()
        l = F.cross_entropy(net(x), y, label_smoothing=0.05)
        l.backward()
        opt.step()
    if ep > 12:
        swa.update_parameters(net)
        swas.step()
    else:
        sch.step()
    net.eval()
    print(ep, l.item(), (net(X[1500:]).argmax(1) == Y[1500:]).float().mean().item())
update_bn(ld, swa)
swa.eval()
print((swa(X[1500:]).argmax(1) == Y[1500:]).float().mean())
