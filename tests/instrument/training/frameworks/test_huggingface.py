"""The Trainer of transformers, and Accelerate, for real: what is seen without a change of code, and what is added."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

from accelerate import Accelerator  # noqa: E402
from accelerate.state import AcceleratorState, GradientState  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Dataset, TensorDataset  # noqa: E402
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments  # noqa: E402

from otel_mldebug.accelerate import Tracker  # noqa: E402
from otel_mldebug.instrument.training.debugging import tracking  # noqa: E402
from otel_mldebug.semconv import names  # noqa: E402
from otel_mldebug.testing import Telemetry  # noqa: E402
from otel_mldebug.transformers import Callback  # noqa: E402

TINY = {"vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "max_position_embeddings": 16}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Accelerate keeps its precision for the whole process."""
    AcceleratorState._reset_state(True)
    GradientState._reset_state()
    yield
    AcceleratorState._reset_state(True)
    GradientState._reset_state()


class Sentences(Dataset[Any]):
    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> Any:
        ids = (torch.arange(8) * (index + 1)) % 32
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": torch.tensor(index % 2)}


def train(tmp_path: Path, callbacks: list[Any], **options: Any) -> Any:
    arguments = TrainingArguments(
        str(tmp_path), report_to=[], use_cpu=True, save_strategy="no", disable_tqdm=True, num_train_epochs=2,
        **{"per_device_train_batch_size": 2, "learning_rate": 1e-3, "logging_steps": 1, **options},
    )  # fmt: skip
    model = BertForSequenceClassification(BertConfig(**TINY))
    trainer = Trainer(model, arguments, train_dataset=Sentences(), eval_dataset=Sentences(), callbacks=callbacks)
    trainer.train()
    return trainer


def test_the_steps_losses_and_evaluations_of_a_trainer_are_seen_without_a_callback(tmp_path, watched):
    trainer = train(tmp_path, [], gradient_accumulation_steps=2, eval_strategy="epoch")

    logged = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert len(watched.steps) == trainer.state.global_step == 6
    assert [s.loss for s in watched.steps] == pytest.approx([float(x) for x in logged], abs=2e-3)
    assert [s.epoch for s in watched.steps] == [0, 0, 0, 1, 1, 1]
    assert [s.backward_calls for s in watched.steps] == [2, 2, 1, 2, 2, 1]
    assert [(s.samples, s.tokens, s.shape) for s in watched.steps] == [
        (4, 32, "2 x 8"),
        (4, 32, "2 x 8"),
        (2, 16, "2 x 8"),
    ] * 2
    evaluated = [row["eval_loss"] for row in trainer.state.log_history if "eval_loss" in row]
    assert [s.evaluation_loss for s in watched.steps][3] == pytest.approx(evaluated[0], abs=1e-6)
    assert (watched.steps[3].evaluation_batches, watched.steps[3].evaluation_samples) == (2, 10)


def test_the_callback_adds_epochs_and_exact_samples(tmp_path, watched):
    train(tmp_path, [Callback()], gradient_accumulation_steps=2, eval_strategy="epoch")

    assert [(s.index, s.epoch, s.samples) for s in watched.steps] == [
        (0, 0, 4), (1, 0, 4), (2, 0, 2), (3, 1, 4), (4, 1, 4), (5, 1, 2),
    ]  # fmt: skip
    assert watched.steps[3].evaluation_loss is not None
    assert watched.facts["framework"].startswith("transformers ")
    assert (watched.facts["first_global_step"], watched.facts["accumulate"]) == (0, 2)


def test_the_callback_alone_does_no_harm(tmp_path, seen):
    assert train(tmp_path, [Callback()], max_steps=2).state.global_step == 2
    assert seen.steps == []


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_accelerate_is_seen_with_its_accumulation_and_precision(watched, precision):
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2, mixed_precision=precision)
    net = nn.Linear(4, 1)
    data = TensorDataset(torch.randn(20, 4), torch.randn(20, 1))
    model, opt, loader = accelerator.prepare(
        net, torch.optim.SGD(net.parameters(), 0.01), DataLoader(data, batch_size=4)
    )
    losses = []
    for _ in range(2):
        for x, y in loader:
            with accelerator.accumulate(model):
                loss = (model(x) - y).square().mean()
                accelerator.backward(loss)
                opt.step()
                opt.zero_grad()
                losses.append(loss.item())

    sums = [sum(losses[i : i + n]) / 2 for i, n in ((0, 2), (2, 2), (4, 1), (5, 2), (7, 2), (9, 1))]
    assert [s.loss for s in watched.steps] == pytest.approx(sums, rel=1e-5)
    assert [(s.index, s.epoch) for s in watched.steps] == [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (5, 1)]
    assert [s.backward_calls for s in watched.steps] == [2, 2, 1, 2, 2, 1]
    assert [s.samples for s in watched.steps] == [8, 8, 4, 8, 8, 4]


def test_what_accelerate_logs_is_kept_and_judged():
    tracking.forget()
    accelerator = Accelerator(cpu=True, log_with=Tracker())
    with Telemetry() as telemetry:
        accelerator.init_trackers("run", config={"api_key": "secret"})
        for step in range(3):
            values = {"loss": 1.0 if step < 2 else float("nan"), "accuracy": 0.25 * step, "note": "text", "flag": True}
            accelerator.log(values, step=step)
        accelerator.end_training()
        points = telemetry.points(names.MLDEBUG_TRACK_VALUE)

    assert points == {(("mldebug.track.name", "loss"),): 1.0, (("mldebug.track.name", "accuracy"),): 0.5}
    assert [f.finding.rule for f in telemetry.findings] == ["loss.nonfinite"]
    tracking.forget()
