# mypy: ignore-errors
# /// diagnosis
# fault = "sentences are sorted by length and cut into one half for each rank: the second one has the long ones"
# rules = ["distributed.straggler"]
# words = ["rank 1", "slower"]
# within = 60
# ranks = 2
# ///
import argparse

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
VOCAB = 200


def corpus(n=2400):
    """Sentences of very different lengths; the label is the kind of a fifth of their words."""
    out = []
    for _ in range(n):
        words = torch.randint(10, VOCAB, (5 + min(75, int(12 * torch.randn(()).exp())),))
        label = int(torch.randint(0, 4, ()))
        words[torch.randint(0, len(words), (max(1, len(words) // 5),))] = label
        out.append((words, label))
    return out


def collate(samples):
    words, labels = zip(*samples)
    return pad_sequence(words, batch_first=True, padding_value=VOCAB), torch.tensor(labels)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB + 1, 48, padding_idx=VOCAB)
        self.gru = nn.GRU(48, 64, batch_first=True)
        self.head = nn.Linear(64, 4)

    def forward(self, words):
        states, _ = self.gru(self.embedding(words))
        return self.head(states.amax(1))


dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
torch.manual_seed(args.seed)
sentences = sorted(corpus(), key=lambda sample: len(sample[0]))
share = len(sentences) // world
mine = sentences[rank * share : (rank + 1) * share]
model = DistributedDataParallel(Classifier())
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loader = DataLoader(mine, batch_size=32, shuffle=True, drop_last=True, collate_fn=collate)
for epoch in range(4):
    for words, labels in loader:
        loss = nn.functional.cross_entropy(model(words), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if rank == 0:
        print(epoch, loss.item())
dist.destroy_process_group()
