# mypy: ignore-errors
# /// diagnosis
# fault = "the Trainer gets a learning rate of 3 instead of 3e-4"
# rules = ["learning_rate.too_high", "loss.explosion", "gradient.explo"]
# words = ["learning rate", "high|large"]
# consequences = ["loss.", "gradient."]
# within = 200
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


class Parity(Dataset):
    """Which of two tokens comes more often?"""

    def __init__(self, n=1600, length=16):
        self.x = torch.randint(5, 7, (n, length))
        self.y = ((self.x == 5).sum(1) > length // 2).long()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"input_ids": self.x[i], "labels": self.y[i]}


config = BertConfig(
    vocab_size=10, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=2
)
arguments = TrainingArguments(
    output_dir="out",
    num_train_epochs=2,
    per_device_train_batch_size=16,
    learning_rate=3.0,
    max_grad_norm=0.0,
    report_to=[],
    use_cpu=True,
    save_strategy="no",
    logging_steps=50,
    seed=args.seed,
    disable_tqdm=True,
    lr_scheduler_type="constant",
)
Trainer(BertForSequenceClassification(config), arguments, train_dataset=Parity()).train()
