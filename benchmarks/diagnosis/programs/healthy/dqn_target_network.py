# mypy: ignore-errors
import argparse
import copy
import random
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
random.seed(args.seed)
LENGTH = 12


class Corridor:
    """Walk right to the end: reward 1; each step costs a little."""

    def reset(self):
        self.at, self.t = LENGTH // 2, 0
        return self.at

    def step(self, action):
        self.at = max(0, self.at + (1 if action else -1))
        self.t += 1
        done = self.at == LENGTH - 1 or self.t > 60
        return self.at, (1.0 if self.at == LENGTH - 1 else -0.01), done


def encode(states):
    return F.one_hot(torch.as_tensor(states), LENGTH).float()


q = nn.Sequential(nn.Linear(LENGTH, 64), nn.ReLU(), nn.Linear(64, 2))
target = copy.deepcopy(q)
optimizer = torch.optim.Adam(q.parameters(), lr=1e-3)
memory, env, steps, epsilon = deque(maxlen=2000), Corridor(), 0, 1.0
for episode in range(60):
    state, done = env.reset(), False
    while not done:
        if random.random() < epsilon:
            action = random.randrange(2)
        else:
            with torch.no_grad():
                action = int(q(encode([state])).argmax())
        following, reward, done = env.step(action)
        memory.append((state, action, reward, following, done))
        state, steps, epsilon = following, steps + 1, max(0.05, epsilon * 0.998)
        if len(memory) < 100 or steps % 2:
            continue
        s, a, r, n, d = zip(*random.sample(memory, 32))
        with torch.no_grad():
            best = target(encode(n)).max(1).values
            goal = torch.tensor(r) + 0.97 * best * (1 - torch.tensor(d).float())
        chosen = q(encode(s)).gather(1, torch.tensor(a)[:, None]).squeeze(1)
        loss = F.smooth_l1_loss(chosen, goal)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(q.parameters(), 100)
        optimizer.step()
        if steps % 200 == 0:
            target.load_state_dict(q.state_dict())
    if episode % 10 == 0:
        print(episode, steps, env.t, round(epsilon, 3))
