"""Lightning and Fabric, for real: what is seen without a change of code, and what the callback adds."""

import copy
import pickle
from typing import Any

import pytest

torch = pytest.importorskip("torch")
L = pytest.importorskip("lightning", reason="lightning is not installed")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from otel_mldebug.lightning import Callback  # noqa: E402


class Model(L.LightningModule):
    def __init__(self, fail_at: int = -1) -> None:
        super().__init__()
        self.net = nn.Linear(4, 1)
        self.fail_at = fail_at
        self.seen: list[float] = []

    def loss(self, batch: Any) -> Any:
        x, y = batch
        return (self.net(x) - y).square().mean()

    def training_step(self, batch: Any, index: int) -> Any:
        if index == self.fail_at:
            raise ValueError("a bad batch")
        loss = self.loss(batch)
        self.seen.append(loss.item())
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.01)


def data(rows: int = 24) -> Any:
    x = torch.randn(rows, 4)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=4)


def trainer(**options: Any) -> Any:
    quiet = {
        "accelerator": "cpu", "logger": False, "enable_checkpointing": False, "enable_progress_bar": False,
        "enable_model_summary": False, "max_epochs": 2,
    }  # fmt: skip
    return L.Trainer(**{**quiet, **options})


def test_steps_epochs_samples_and_accumulated_losses_are_seen_without_a_callback(watched):
    model = Model()
    fit = trainer(accumulate_grad_batches=2)
    fit.fit(model, data(), data(12))

    pairs = [(a + b) / 2 for a, b in zip(model.seen[::2], model.seen[1::2], strict=True)]
    steps = watched.steps
    assert len(steps) == fit.global_step == 6
    assert [s.loss for s in steps] == pytest.approx(pairs, rel=1e-5)
    assert [(s.index, s.epoch, s.samples, s.backward_calls, s.optimizer) for s in steps] == [
        (i, i // 3, 8, 2, "SGD") for i in range(6)
    ]
    assert watched.rules() == []


def test_mixed_precision_has_the_losses_of_the_model(watched):
    model = Model()
    trainer(precision="bf16-mixed", max_epochs=1).fit(model, data())

    assert [s.loss for s in watched.steps] == pytest.approx(model.seen, rel=1e-2)
    assert len(watched.steps) == 6


class Gan(L.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 1)

    def training_step(self, batch: Any, index: int) -> None:
        first, second = self.optimizers()
        for opt, loss in ((first, self.b(self.a(batch[0])).mean()), (second, -self.b(self.a(batch[0])).mean())):
            opt.zero_grad()
            self.manual_backward(loss)
            opt.step()

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.a.parameters(), 1e-3), torch.optim.Adam(self.b.parameters(), 1e-3)


def test_several_optimizers_by_hand_have_steps_of_their_own(watched):
    trainer(max_epochs=1).fit(Gan(), data())
    assert [s.optimizer for s in watched.steps] == ["SGD", "Adam"] * 6


def test_fabric_needs_no_change_either(watched):
    fabric = L.Fabric(accelerator="cpu", precision="bf16-mixed")
    net = nn.Linear(4, 1)
    model, opt = fabric.setup(net, torch.optim.SGD(net.parameters(), 0.01))
    losses = []
    for x, y in fabric.setup_dataloaders(data()):
        opt.zero_grad()
        loss = (model(x) - y).square().mean()
        fabric.backward(loss)
        opt.step()
        losses.append(loss.item())

    assert [(s.loss, s.samples) for s in watched.steps] == [(loss, 4) for loss in losses]
    assert watched.facts["models"] == ["Linear"]
    assert {p.name for look in watched.looks for p in look.parameters} == {"weight", "bias"}


def test_the_callback_adds_the_loss_of_validation_and_where_steps_begin(watched):
    model = Model()
    fit = trainer(callbacks=[Callback()], max_epochs=3)
    fit.fit(model, data(), data(12))

    told = [s.evaluation_loss for s in watched.steps if s.evaluation_loss is not None]
    assert len(watched.steps) == 18
    assert len(told) == 2  # the pass after the last step has no step behind it
    assert all(0 < loss < 50 for loss in told)
    assert {s.epoch for s in watched.steps} == {0, 1, 2}
    assert watched.facts["framework"].startswith("lightning 2")
    assert (watched.facts["first_global_step"], watched.facts["precision"]) == (0, "32-true")
    assert watched.rules() == []


def test_the_callback_reports_where_a_step_failed(watched, monkeypatch):
    reported: list[Any] = []
    monkeypatch.setattr(watched, "exception", lambda exc, **known: reported.append((exc, known["context"])))
    with pytest.raises(ValueError, match="a bad batch"):
        trainer(callbacks=[Callback()]).fit(Model(fail_at=2), data())

    [(exc, context)] = reported
    assert (str(exc), context) == ("a bad batch", {"stage": "training", "epoch": 0, "global_step": 2})


def test_the_callback_alone_changes_nothing_and_can_be_copied(seen):
    def weights(callbacks: list[Any]) -> Any:
        torch.manual_seed(1)
        model = Model()
        trainer(callbacks=callbacks).fit(model, data(), data(12))
        return model.net.weight.detach()

    assert torch.equal(weights([]), weights([Callback()]))
    assert isinstance(copy.deepcopy(pickle.loads(pickle.dumps(Callback()))), Callback)
    assert seen.steps == []
