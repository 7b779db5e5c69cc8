# mypy: ignore-errors
# /// diagnosis
# fault = "NLLLoss is given probabilities instead of their logarithms"
# rules = ["loss.expects_log_probabilities"]
# words = ["nll|negative|log.?softmax|log.?probabilit|logarithm"]
# within = 150
# ///
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_wine
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_wine(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(13, 40)
        self.fc2 = nn.Linear(40, 3)

    def forward(self, x):
        return F.softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(300):
    idx = torch.randint(0, len(X), (32,))
    optimizer.zero_grad()
    loss = F.nll_loss(net(X[idx]), y[idx])
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
