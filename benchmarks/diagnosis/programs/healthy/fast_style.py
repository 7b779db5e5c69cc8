# mypy: ignore-errors
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.tensor(load_digits().images, dtype=torch.float32)[:, None].repeat(1, 3, 2, 2)[:, :, :16, :16] * 15.9


def conv(a, b, k, s):
    return nn.Sequential(nn.ReflectionPad2d(k // 2), nn.Conv2d(a, b, k, s))


class TransformerNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(
            conv(3, 8, 5, 1),
            nn.InstanceNorm2d(8, affine=True),
            nn.ReLU(),
            conv(8, 16, 3, 2),
            nn.InstanceNorm2d(16, affine=True),
            nn.ReLU(),
        )
        self.res = nn.Sequential(conv(16, 16, 3, 1), nn.InstanceNorm2d(16, affine=True), nn.ReLU(), conv(16, 16, 3, 1))
        self.up = nn.Sequential(nn.Upsample(scale_factor=2), conv(16, 8, 3, 1), nn.ReLU(), conv(8, 3, 5, 1))

    def forward(self, x):
        y = self.down(x)
        return self.up(y + self.res(y))


class Features(nn.Module):  # stands for a pre-trained VGG
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)])
        for p in self.parameters():
            p.requires_grad = False

    def forward(self, x):
        out = []
        for layer in self.layers:
            x = F.relu(layer(x))
            out.append(x)
        return out


def gram_matrix(y):
    b, ch, h, w = y.size()
    features = y.view(b, ch, h * w)
    return features.bmm(features.transpose(1, 2)) / (ch * h * w)


def normalize_batch(batch):
    mean = batch.new_tensor([0.485, 0.456, 0.406]).view(-1, 1, 1)
    std = batch.new_tensor([0.229, 0.224, 0.225]).view(-1, 1, 1)
    return (batch.div(255.0) - mean) / std


transformer, vgg = TransformerNet(), Features()
optimizer = torch.optim.Adam(transformer.parameters(), 1e-3)
mse_loss = nn.MSELoss()
style = torch.rand(1, 3, 16, 16).repeat(4, 1, 1, 1) * 255
gram_style = [gram_matrix(y) for y in vgg(normalize_batch(style))]
for step in range(200):
    x = X[torch.randint(0, len(X), (4,))]
    optimizer.zero_grad()
    y = normalize_batch(transformer(x))
    x = normalize_batch(x)
    features_y, features_x = vgg(y), vgg(x)
    content_loss = 1e5 * mse_loss(features_y[1], features_x[1])
    style_loss = 1e5 * sum(mse_loss(gram_matrix(a), b) for a, b in zip(features_y, gram_style))
    total_loss = content_loss + style_loss
    total_loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, content_loss.item(), style_loss.item())
