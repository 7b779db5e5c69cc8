"""Small real programs whose curves are ill, and some whose curves only look so."""

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402
from otel_mldebug.rules.detectors.curves import DETECTORS  # noqa: E402
from tests.instrument.training.programs import batches, blobs, mlp  # noqa: E402

Schedule = Callable[[int], float]


def classify(
    steps: int = 160,
    *,
    optimizer: Any = torch.optim.SGD,
    lr: float = 0.05,
    schedule: Schedule | None = None,
    size: int = 16,
    spoil: int = -1,
    keep: list[Any] | None = None,
) -> None:
    """Train a small classifier; `spoil` is a step whose inputs have another unit and sign."""
    net = mlp(8, 64, 64, 3)
    opt = optimizer(net.parameters(), lr)
    for step, (x, y) in enumerate(batches(blobs(512), steps, size)):
        if schedule is not None:
            opt.param_groups[0]["lr"] = schedule(step)
        opt.zero_grad()
        loss = F.cross_entropy(net(x * -100 if step == spoil else x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        if keep is not None:
            keep.append(F.cross_entropy(net(torch.randn(512, 8)), torch.zeros(512, dtype=torch.int64)))


def bounce() -> None:
    """A double well whose walls are too steep for the learning rate: x is thrown to and fro for ever."""
    x = nn.Parameter(torch.tensor(0.7))
    opt = torch.optim.SGD([x], 1.4)
    for _ in range(150):
        opt.zero_grad()
        (0.25 * (x.square() - 1).square() + 0.05).backward()
        opt.step()


def judged(seen: Any, program: Callable[[], None], seed: int = 0) -> list[tuple[str, Any]]:
    """Run a program and return what was found by the rules of curves, except of time: machines are busy."""
    torch.manual_seed(seed)
    detectors = tuple(d for d in DETECTORS if d.__name__ != "latency_spikes")
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(0.02), detectors=detectors))
    try:
        program()
    finally:
        pytorch.uninstall()
    ours = ("loss.spike", "loss.oscillation", "learning_rate.", "memory.", "amp.", "training.", "evaluation.")
    return [(f.rule, f.evidence.get("step")) for f, _ in seen.found if f.rule.startswith(ours)]


@pytest.mark.parametrize(
    ("program", "rule", "first", "last"),
    [
        pytest.param(lambda: classify(spoil=100), "loss.spike", 100, 100, id="one batch in another unit"),
        pytest.param(lambda: classify(schedule=lambda s: 0.05 * 0.3**s), "learning_rate.collapsed", 4, 10, id="decay"),
        pytest.param(
            lambda: classify(schedule=lambda s: 0.0), "learning_rate.zero learning_rate.collapsed", 0, 0, id="zero"
        ),
        pytest.param(lambda: classify(lr=1e-9), "learning_rate.too_low", 0, 0, id="low"),
        pytest.param(lambda: classify(200, keep=[]), "memory.growth", 24, 60, id="losses kept with their graphs"),
        pytest.param(bounce, "loss.oscillation", 0, 0, id="bounces"),
    ],
)
def test_an_ill_curve_gets_its_finding(seen, program, rule, first, last):
    found = judged(seen, program)

    assert len(found) == 1
    assert found[0][0] in rule.split()  # where looks and curves both tell, whoever is asked first does
    assert first <= found[0][1] <= last


def cyclic(step: int) -> float:
    return 0.01 + 0.1 * abs((step % 40) - 20) / 20


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "program",
    [
        pytest.param(lambda: classify(schedule=cyclic), id="cyclic rate"),
        pytest.param(lambda: classify(schedule=lambda s: 0.1 * (1 - s / 160)), id="linear decay to zero"),
        pytest.param(lambda: classify(schedule=lambda s: 0.1 * (1 - (s % 40) / 40)), id="warm restarts"),
        pytest.param(lambda: classify(schedule=lambda s: 1e-3 * (s + 1) / 160), id="long warm-up"),
        pytest.param(lambda: classify(optimizer=torch.optim.AdamW, lr=2e-5), id="rate of fine-tuning"),
        pytest.param(lambda: classify(size=1), id="batches of one"),
        pytest.param(lambda: classify(optimizer=torch.optim.Adam, lr=1e-2), id="usual rate"),
    ],
)
def test_a_healthy_curve_gets_none(seen, program, seed):
    assert judged(seen, program, seed) == []
