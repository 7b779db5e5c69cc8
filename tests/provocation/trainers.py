"""Data sets of Hugging Face, and trainers."""

from tests.provocation.case import Table, UnavailableError
from tests.provocation.hub import TINY

case = Table()


@case(
    "training",
    "input_validation",
    remedy="strategy|eval_strategy|match|save_strategy",
    needs="transformers torch accelerate",
)
def best_model_without_matching_strategies(world):
    from transformers import TrainingArguments

    TrainingArguments(str(world.tmp), load_best_model_at_end=True, eval_strategy="no", save_strategy="steps")


@case("training", "input_validation", remedy="train_dataset|data set|dataset", needs="transformers torch accelerate")
def trainer_without_data(world):
    from transformers import BertConfig, BertModel, Trainer, TrainingArguments

    arguments = TrainingArguments(str(world.tmp), report_to=[], use_cpu=True)
    Trainer(BertModel(BertConfig(**TINY)), arguments).train()


@case("data", "network system input_validation", remedy="path|name|directory|spelling", needs="datasets")
def data_set_that_is_not_here(world):
    import datasets

    datasets.load_dataset(str(world.tmp / "absent"))


@case("data", "input_validation", remedy="column|name|remove_columns|rename", needs="datasets")
def data_set_without_that_column(world):
    import datasets

    datasets.Dataset.from_dict({"text": ["a"]}).remove_columns("label")


@case("data", "input_validation", remedy="length|rows|same", needs="datasets")
def data_set_of_columns_of_different_lengths(world):
    import datasets

    datasets.Dataset.from_dict({"a": [1], "b": [1, 2]})


@case("data", "", remedy="batched|length|remove_columns|rows", needs="datasets")
def batched_map_with_another_length(world):
    import datasets

    datasets.disable_progress_bars()
    datasets.Dataset.from_dict({"a": [1, 2]}).map(lambda batch: {"b": [1]}, batched=True)


@case("data", "", remedy="cast|schema|column|features|type", needs="datasets")
def cast_to_other_features(world):
    import datasets

    features = datasets.Features({"b": datasets.Value("int64")})
    datasets.Dataset.from_dict({"a": ["x"]}).cast(features)


@case("data", "input_validation", remedy="split|name|train", needs="datasets")
def split_that_is_not_there(world):
    import datasets

    world.file("x.csv", b"a\n1\n")
    datasets.load_dataset(
        "csv", data_files=str(world.tmp / "x.csv"), split="validation", cache_dir=str(world.tmp / "cache")
    )


@case("data", "input_validation model", remedy="label|class|names", needs="datasets")
def label_that_the_classes_have_not(world):
    import datasets

    datasets.ClassLabel(names=["cat"]).str2int("dog")


@case("training", "input_validation", remedy="mixed_precision|bf16|fp16|one of", needs="accelerate torch")
def precision_that_does_not_exist(world):
    from accelerate import Accelerator

    Accelerator(mixed_precision="fp12", cpu=True)


@case("training", "input_validation", remedy="accelerator|cpu|gpu|cuda|driver", needs="lightning torch")
def lightning_without_its_accelerator(world):
    import torch
    from lightning import Trainer

    if torch.cuda.is_available():
        raise UnavailableError("this machine has CUDA")
    Trainer(accelerator="cuda", logger=False)


@case("training", "input_validation data", remedy="train_dataloader|training_step|data", needs="lightning torch")
def lightning_without_data(world):
    import lightning

    trainer = lightning.Trainer(accelerator="cpu", barebones=True, default_root_dir=world.tmp)
    trainer.fit(lightning.LightningModule())
