"""What becomes of looks: they are judged once, shown as metrics, and leave the program as it would be without."""

import gc
import weakref
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from otel_mldebug import _guard  # noqa: E402
from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training import options  # noqa: E402
from otel_mldebug.instrument.training.devices.pinned import Devices  # noqa: E402
from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.looks.gauges import MOST_LAYERS, Gauges  # noqa: E402
from otel_mldebug.instrument.training.looks.judging import FIRST_LOOKS, MOST_ITEMS, MOST_LOOKS, Judge  # noqa: E402
from otel_mldebug.instrument.training.steps.cells import Cell  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402
from otel_mldebug.instrument.training.steps.track import Track  # noqa: E402
from otel_mldebug.rules.finding import Finding  # noqa: E402
from otel_mldebug.rules.looks import Look, Operation, Parameter, Stats  # noqa: E402
from otel_mldebug.rules.taxonomy import Category, Severity  # noqa: E402
from otel_mldebug.semconv import names  # noqa: E402


def bad_step(*bad: int) -> Callable[[Sequence[Look], Any], Finding | None]:
    """Return a detector that fires at the looks into these steps."""

    def detect(looks: Sequence[Look], _: Any) -> Finding | None:
        if looks[-1].step not in bad:
            return None
        return Finding(
            rule="test.bad",
            category=Category.TRAINING,
            severity=Severity.WARNING,
            summary="Bad.",
            evidence={"layer": "fc", "step": looks[-1].step - 1},
        )

    return detect


def judged(seen: Any, steps: Sequence[int], *detectors: Any) -> list[tuple[int, str]]:
    judge = Judge(StepRecorder(budget=Budget(0.02)), detectors)
    cell, track = Cell("SGD"), Track()
    for step in steps:
        judge.judge(Look(step=step, time_ns=step), cell, 1, track)
    return [(where["step"], where["layer"]) for _, where in seen.found]


def test_looks_into_another_optimizer_of_the_same_name_begin_anew(seen):
    judge = Judge(StepRecorder(budget=Budget(0.02)), ())
    cell = Cell("SGD")
    windows = [judge.keep(Look(step=step, time_ns=step), cell, key) for step, key in ((0, 1), (9, 1), (12, 2), (13, 2))]

    assert [(look.step, look.began) for look in windows[1]] == [(0, 0), (9, 0)]
    assert [(look.step, look.began) for look in windows[3]] == [(12, 12), (13, 12)]


def test_looks_into_an_optimizer_whose_turn_comes_rarely_count_its_own_steps(seen):
    judge = Judge(StepRecorder(budget=Budget(0.02)), ())
    cell = Cell("SGD#2")
    for step, cell.steps in ((17, 2), (29, 4)):
        window = judge.keep(Look(step=step, time_ns=step), cell, 1)

    assert [(look.step, look.began) for look in window] == [(17, 15), (29, 15)]


def test_a_rule_is_reported_once_until_a_later_look_does_not_show_it(seen):
    assert judged(seen, [0, 1, 2, 4, 8, 16], bad_step(1, 2, 8, 16)) == [(0, "fc"), (7, "fc")]
    assert [look.step for look in seen.looks] == [0, 1, 2, 4, 8, 16]


def test_a_rule_that_never_fires_is_never_reported(seen):
    assert judged(seen, range(10), bad_step()) == []


def test_a_detector_that_fails_keeps_no_other_from_judging(seen, monkeypatch):
    monkeypatch.setattr(_guard, "strict", False)

    def broken(looks: Any, steps: Any) -> None:
        raise KeyError(looks)

    assert judged(seen, [3], broken, bad_step(3)) == [(2, "fc")]
    assert _guard.faults()["judge looks by broken"] == 1
    _guard.reset()


@pytest.mark.parametrize(("parameters", "kept"), [(0, MOST_LOOKS), (999, MOST_ITEMS // 1000)])
def test_the_window_keeps_the_first_look_and_the_latest_within_its_bounds(seen, parameters, kept):
    windows: list[list[int]] = []
    look = Look(step=0, time_ns=0, parameters=(Parameter(name="w"),) * parameters)
    watch = [lambda looks, _: windows.append([id(one) for one in looks])]
    judge = Judge(StepRecorder(), watch, cost=lambda: 0.0)
    looks = [Look(step=step, time_ns=0, parameters=look.parameters) for step in range(100)]
    for one in looks:
        judge.judge(one, Cell("SGD"), 1, Track())

    assert windows[-1] == [id(one) for one in (looks[0], *looks[-kept + 1 :])]


def test_after_the_first_looks_judging_keeps_within_its_share_of_the_time(seen):
    now, spent, judged_at = [0.0], [0.0], []

    def detect(looks: Sequence[Look], _: Any) -> None:
        judged_at.append(now[0])
        spent[0] += 0.009  # of this, 4.5 seconds pay for the share

    judge = Judge(StepRecorder(clock=lambda: now[0]), [detect], cost=lambda: spent[0])
    for step in range(28):
        now[0] = float(step)
        judge.judge(Look(step=step, time_ns=0), Cell("SGD"), 1, Track())

    assert judged_at == [*range(FIRST_LOOKS), 20, 25]


def test_another_optimizer_of_the_same_name_begins_anew(seen):
    windows: list[int] = []
    judge = Judge(StepRecorder(), [lambda looks, _: windows.append(len(looks))])
    for key in (1, 1, 2):
        judge.judge(Look(step=0, time_ns=0), Cell("SGD"), key, Track())

    assert windows == [1, 2, 1]


def values(norm: float) -> Stats:
    return Stats(size=1, norm=norm, mean=0.0, std=0.0, low=0.0, high=0.0)


def test_layers_are_metrics_and_their_labels_are_bounded(telemetry_seen):
    gauges = Gauges()
    parameters = [
        Parameter(name=f"l{i}.weight", layer=f"l{i}", weight=values(3.0), gradient=values(4.0), update_ratio=0.5)
        for i in range(MOST_LAYERS + 2)
    ]
    gauges.show(
        Look(
            step=0,
            time_ns=0,
            optimizer="SGD",
            parameters=(*parameters, Parameter(name="l0.bias", layer="l0", weight=values(4.0), gradient=values(3.0))),
            operations=(Operation(kind="Relu", layer="l1", dead=0.25), Operation(kind="Relu", layer="l1", dead=0.5)),
        )
    )
    found = telemetry_seen()

    gradients = found[names.MLDEBUG_TRAIN_LAYER_GRADIENT_NORM.name]
    assert len(gradients) == MOST_LAYERS + 1
    assert (gradients["l0"], gradients["l1"], gradients["other"]) == pytest.approx((5.0, 4.0, 4.0 * 2**0.5))
    assert found[names.MLDEBUG_TRAIN_LAYER_WEIGHT_NORM.name]["l0"] == 5.0
    assert found[names.MLDEBUG_TRAIN_LAYER_UPDATE_RATIO.name]["l0"] == pytest.approx(1.5 / 5.0)
    assert found[names.MLDEBUG_TRAIN_LAYER_DEAD.name] == {"l1": 0.5}


@pytest.fixture
def telemetry_seen(seen: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, dict[str, float]]]:
    """Return what metrics show, by name and layer."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(seen, "meter", provider.get_meter, raising=False)

    def read() -> dict[str, dict[str, float]]:
        data = reader.get_metrics_data()
        metrics = data.resource_metrics[0].scope_metrics[0].metrics
        return {m.name: {p.attributes[names.MLDEBUG_TRAIN_LAYER]: p.value for p in m.data.data_points} for m in metrics}

    return read


def train(steps: int) -> tuple[list[float], list[Any]]:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))
    opt = torch.optim.AdamW(net.parameters(), 0.01)
    losses = []
    for _ in range(steps):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(torch.randn(8, 4)), torch.randint(0, 2, (8,)))
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, [p.detach().clone() for p in net.state_dict().values()]


def test_losses_and_weights_are_equal_bit_by_bit_with_a_look_at_each_step(every):
    losses, weights = train(8)
    pytorch.uninstall()
    bare_losses, bare_weights = train(8)

    assert len(every.looks) == 8
    assert losses == bare_losses
    assert all(torch.equal(a, b) for a, b in zip(weights, bare_weights, strict=True))


def test_nothing_of_the_users_is_held_once_the_step_is_over(every):
    net, opt = nn.Linear(4, 2), None
    opt = torch.optim.SGD(net.parameters(), 0.1)
    x, out = torch.rand(3, 4), []
    alive = [weakref.ref(x)]
    for _ in range(2):
        out = net(x)
        alive.append(weakref.ref(out))
        out.sum().backward()
        opt.step()
    alive += [weakref.ref(p) for p in net.parameters()] + [weakref.ref(p.grad) for p in net.parameters()]
    del net, opt, x, out
    gc.collect()

    assert len(every.looks) == 2
    assert [ref() is None for ref in alive] == [True] * 7


def test_the_time_that_a_look_takes_is_no_time_of_the_step(seen):
    now = [100.0]

    def clock() -> float:
        return now[0]

    recorder = StepRecorder(clock=clock, budget=Budget(0.02))
    options.use(options.Options(layers=1))
    pytorch.install(torch, recorder=recorder)
    try:
        collector = pytorch.installation().watch.looks._collector  # type: ignore[union-attr]
        for stage in ("graph", "parameters", "changes"):
            taken = getattr(collector, stage)

            def slow(*args: Any, taken: Any = taken, **kwargs: Any) -> None:
                now[0] += 50.0
                taken(*args, **kwargs)

            setattr(collector, stage, slow)
        net = nn.Linear(4, 2)
        opt = torch.optim.SGD(net.parameters(), 0.1)
        for _ in range(3):
            now[0] += 1.0
            net(torch.rand(3, 4)).sum().backward()
            opt.step()
    finally:
        pytorch.uninstall()
        options.use(options.Options())

    assert len(seen.looks) == 3
    assert [s.duration_s for s in seen.steps] == [0.0, 1.0, 1.0]
    assert [s.optimizer_s for s in seen.steps] == [0.0, 0.0, 0.0]


def test_a_demand_has_the_next_step_looked_into(seen):
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(0.0)))
    try:
        train(3)
        pytorch.installation().watch.looks.demand()  # type: ignore[union-attr]
        train(2)
    finally:
        pytorch.uninstall()

    assert [look.step for look in seen.looks] == [3]


class Late:
    """A device whose copies arrive when the test says so."""

    def __init__(self) -> None:
        self.here = False
        self.copies = 0

    def copy(self, vector: Any) -> Any:
        self.copies += 1
        return SimpleNamespace(ready=lambda: self.here, values=vector.tolist)


def test_on_a_device_a_look_is_one_copy_and_is_finished_once_that_has_arrived(seen):
    device = Late()
    devices = Devices(torch, copiers={"cpu": device}, direct=lambda _: False)
    options.use(options.Options(layers=1))
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(1e-9)), devices=devices)
    try:
        losses, _ = train(2)
        assert seen.looks == []
        copies, device.here = device.copies, True
        losses += train(1)[0]
    finally:
        pytorch.uninstall()
        options.use(options.Options())

    assert copies == 4  # of each step its record and its look
    assert [look.step for look in seen.looks] == [0, 1, 2]
    assert [look.loss for look in seen.looks] == pytest.approx(losses)
    assert all(p.gradient.norm > 0 and p.update_ratio != 0 for p in seen.looks[0].parameters)
