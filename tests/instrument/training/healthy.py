"""Small real programs that are healthy, though some look ill: none may get a finding."""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.instrument.training.programs import Program, batches, blobs, mlp


def classifier(steps: int = 150, *, optimizer: Any = torch.optim.SGD, lr: float = 0.05, net: Any = None) -> None:
    """A plain classifier."""
    net = net or mlp(8, 32, 3)
    opt = optimizer(net.parameters(), lr)
    for x, y in batches(blobs(), steps):
        opt.zero_grad()
        F.cross_entropy(net(x), y).backward()
        opt.step()


def warmup_and_decay() -> None:
    """A transformer block with warm-up, cosine decay and clipping."""
    net = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    head = nn.Linear(16, 5)
    opt = torch.optim.AdamW([*net.parameters(), *head.parameters()], 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, total_steps=120)
    for _ in range(120):
        x = torch.randn(4, 6, 16)
        opt.zero_grad()
        F.cross_entropy(head(net(x)).mean(1), (x.sum((1, 2)) > 0).long()).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        schedule.step()


def gan() -> None:
    """A GAN with the usual loss."""
    g, d = mlp(4, 16, 2), mlp(2, 16, 1)
    opt_g, opt_d = torch.optim.Adam(g.parameters(), 2e-3), torch.optim.Adam(d.parameters(), 2e-3)
    for _ in range(150):
        real = torch.randn(32, 2) * 0.5 + 2
        fake = g(torch.randn(32, 4))
        opt_d.zero_grad()
        loss_d = F.softplus(-d(real)).mean() + F.softplus(d(fake.detach())).mean()
        loss_d.backward()
        opt_d.step()
        opt_g.zero_grad()
        F.softplus(-d(fake)).mean().backward()
        opt_g.step()


def critic() -> None:
    """A Wasserstein critic, whose loss starts at zero and falls without bound."""
    g, d = mlp(4, 16, 2), mlp(2, 16, 1)
    opt_g, opt_d = torch.optim.RMSprop(g.parameters(), 1e-3), torch.optim.RMSprop(d.parameters(), 1e-3)
    for _ in range(100):
        for _ in range(3):
            opt_d.zero_grad()
            (d(g(torch.randn(32, 4)).detach()).mean() - d(torch.randn(32, 2) * 2 + 5).mean()).backward()
            opt_d.step()
        opt_g.zero_grad()
        (-d(g(torch.randn(32, 4))).mean()).backward()
        opt_g.step()


def reinforce() -> None:
    """Policy gradients: a loss around zero, with heavy tails, that says nothing by itself."""
    policy = mlp(4, 16, 2)
    opt = torch.optim.Adam(policy.parameters(), 1e-2)
    for episode in range(150):
        states = torch.randn(20, 4)
        chosen = torch.distributions.Categorical(logits=policy(states))
        actions = chosen.sample()
        rewards = (actions == (states[:, 0] > 0)).float() * (1 if episode < 75 else 100)
        opt.zero_grad()
        (-chosen.log_prob(actions) * (rewards - rewards.mean())).sum().backward()
        opt.step()


def vae() -> None:
    """A VAE whose KL term is turned up from zero."""
    enc, dec = mlp(8, 16, 4), mlp(2, 16, 8)
    opt = torch.optim.Adam([*enc.parameters(), *dec.parameters()], 3e-3)
    for step, (x, _) in enumerate(batches(blobs(), 150)):
        mean, log_var = enc(x).chunk(2, 1)
        z = mean + torch.randn_like(mean) * (0.5 * log_var).exp()
        kl = -0.5 * (1 + log_var - mean**2 - log_var.exp()).sum()
        opt.zero_grad()
        (F.mse_loss(dec(z), x, reduction="sum") + kl * min(10.0, step / 10)).backward()
        opt.step()


def converged() -> None:
    """A regression that is solved exactly: loss and gradients go to zero and rattle there."""
    net = nn.Linear(3, 1)
    opt = torch.optim.SGD(net.parameters(), 0.3)
    for _ in range(300):
        x = torch.randn(64, 3)
        opt.zero_grad()
        F.mse_loss(net(x), x.sum(1, keepdim=True)).backward()
        opt.step()


def frozen_backbone() -> None:
    """Fine-tuning of a head on a frozen body."""
    net = nn.Sequential(mlp(8, 32, 32), nn.Linear(32, 3))
    net[0].requires_grad_(False)
    opt = torch.optim.AdamW(net[1].parameters(), 1e-2)
    for x, y in batches(blobs(), 100):
        opt.zero_grad()
        F.cross_entropy(net(x), y).backward()
        opt.step()


def amp_start() -> None:
    """Mixed precision that first has to find its scale: steps are skipped."""
    net = mlp(8, 32, 3)
    opt = torch.optim.SGD(net.parameters(), 0.05)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**125, growth_interval=40)
    for x, y in batches(blobs(), 120):
        opt.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(net(x).float(), y)
        scaler.scale(loss).backward()
        scaler.step(opt)
        scaler.update()


def lbfgs() -> None:
    """L-BFGS with strong Wolfe line search."""
    net = mlp(8, 8, 3)
    opt = torch.optim.LBFGS(net.parameters(), line_search_fn="strong_wolfe")
    x, y = blobs(64).tensors

    def closure() -> Any:
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        return loss

    for _ in range(15):
        opt.step(closure)


def masked_attention() -> None:
    """Causal attention with masks of minus infinity."""
    attention, head = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 8)
    opt = torch.optim.Adam([*attention.parameters(), *head.parameters()], 1e-3)
    mask = torch.full((6, 6), -math.inf).triu(1)
    for _ in range(80):
        x = torch.randn(4, 6, 8)
        opt.zero_grad()
        out, _ = attention(x, x, x, attn_mask=mask)
        F.mse_loss(head(out), x.cumsum(1)).backward()
        opt.step()


def outliers() -> None:
    """Regression on heavy-tailed targets: single losses are a million times the usual one, in no rhythm."""
    net, large = mlp(8, 16, 1), (36, 61, 95, 131, 140, 186)
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    for step, (x, _) in enumerate(batches(blobs(), 200)):
        target = torch.randn(16, 1) * (1000.0 if step in large else 1.0)
        opt.zero_grad()
        F.mse_loss(net(x), target).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()


def curriculum() -> None:
    """Sequences that get longer: the summed loss grows by itself."""
    cell, head = nn.GRU(4, 16, batch_first=True), nn.Linear(16, 4)
    opt = torch.optim.Adam([*cell.parameters(), *head.parameters()], 3e-3)
    for step in range(120):
        x = torch.randn(8, 2 + step // 10, 4)
        opt.zero_grad()
        out, _ = cell(x)
        F.mse_loss(head(out), x, reduction="sum").backward()
        opt.step()


def nan_targets_masked() -> None:
    """Missing targets are NaN and are left out before the loss."""
    net = mlp(8, 16, 2)
    opt = torch.optim.Adam(net.parameters(), 1e-2)
    for x, _ in batches(blobs(), 80):
        target = torch.randn(16, 2)
        target[torch.rand(16, 2) < 0.3] = math.nan
        known = ~target.isnan()
        opt.zero_grad()
        F.mse_loss(net(x)[known], target[known]).backward()
        opt.step()


def nan_steps_left_out() -> None:
    """A careful program: batches with a bad loss are left out before backward."""
    net = mlp(8, 16, 3)
    opt = torch.optim.SGD(net.parameters(), 0.05)
    for step, (x, y) in enumerate(batches(blobs(), 80)):
        if step % 20 == 19:
            x[0, 0] = math.nan
        loss = F.cross_entropy(net(x), y)
        if not torch.isfinite(loss):
            continue
        opt.zero_grad()
        loss.backward()
        opt.step()


HEALTHY: tuple[Program, ...] = (
    classifier, warmup_and_decay, gan, critic, reinforce, vae, converged, frozen_backbone, amp_start, lbfgs,
    masked_attention, outliers, curriculum, nan_targets_masked, nan_steps_left_out,
)  # fmt: skip
