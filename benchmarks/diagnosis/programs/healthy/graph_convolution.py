# mypy: ignore-errors
import argparse

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
N, K = 300, 4
label = torch.randint(0, K, (N,))
same = label[:, None] == label[None]
adjacency = (torch.rand(N, N) < torch.where(same, 0.06, 0.006)).float().triu(1)
adjacency = adjacency + adjacency.T + torch.eye(N)
deg = adjacency.sum(1).rsqrt()
a_hat = (deg[:, None] * adjacency * deg[None]).to_sparse()
features = torch.randn(N, 16) + F.one_hot(label, 16).float()
train_mask = torch.rand(N) < 0.3


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Linear(16, 32), nn.Linear(32, K)

    def forward(self, x):
        x = F.relu(torch.sparse.mm(a_hat, self.w1(x)))
        x = F.dropout(x, 0.5, training=self.training)
        return torch.sparse.mm(a_hat, self.w2(x))


model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(200):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(features)[train_mask], label[train_mask])
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(features)
        val_loss = F.cross_entropy(out[~train_mask], label[~train_mask]).item()
    if epoch % 40 == 0:
        print(epoch, loss.item(), val_loss)
