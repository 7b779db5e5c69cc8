# mypy: ignore-errors
# /// diagnosis
# needs = ["transformers", "accelerate"]
# ///
import argparse

import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Majority(Dataset):
    """Which of two tokens comes more often?"""

    def __init__(self, n):
        self.x = torch.randint(5, 7, (n, 16))
        self.y = ((self.x == 5).sum(1) > 8).long()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"input_ids": self.x[i], "labels": self.y[i]}


config = BertConfig(
    vocab_size=10, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=2
)
arguments = TrainingArguments(
    output_dir="out",
    num_train_epochs=3,
    per_device_train_batch_size=16,
    learning_rate=1e-3,
    report_to=[],
    use_cpu=True,
    save_strategy="no",
    eval_strategy="epoch",
    logging_steps=50,
    seed=args.seed,
    disable_tqdm=True,
    warmup_steps=20,
)
trainer = Trainer(
    BertForSequenceClassification(config), arguments, train_dataset=Majority(1600), eval_dataset=Majority(200)
)
trainer.train()
