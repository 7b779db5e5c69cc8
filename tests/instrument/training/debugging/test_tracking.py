"""Explicit calls: what they take, how often, and what rules say of it."""

import gc
import math
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

import otel_mldebug as mldebug  # noqa: E402
from otel_mldebug import Intervals, UsageError  # noqa: E402
from otel_mldebug.instrument.training.debugging import tracking  # noqa: E402
from otel_mldebug.rules.looks import Look  # noqa: E402
from otel_mldebug.semconv import names  # noqa: E402
from otel_mldebug.testing import Telemetry  # noqa: E402


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    tracking.forget()
    yield
    tracking.forget()


@pytest.fixture
def looks(seen: Any, monkeypatch: pytest.MonkeyPatch) -> list[Look]:
    kept: list[Look] = []
    monkeypatch.setattr(seen, "look", kept.append)
    return kept


def test_one_value_in_so_many_is_taken_and_is_the_metric():
    with Telemetry() as telemetry:
        taken = [mldebug.track_loss(torch.tensor(0.5**i), "kl", every=4) for i in range(9)]
        assert telemetry.points(names.MLDEBUG_TRACK_VALUE) == {(("mldebug.track.name", "kl"),): 2.0**-8}
        assert telemetry.findings == []

    assert taken == [True, False, False, False] * 2 + [True]


def test_the_default_is_every_tenth(seen):
    assert sum(mldebug.track_loss(0.5) for _ in range(100)) == 10


def test_a_tracked_value_that_is_not_finite_is_told_once_with_its_name(seen):
    for value in (1.0, 0.9, math.nan, math.nan, math.inf):
        mldebug.track_loss(value, "kl", every=1)

    assert [(f.rule, f.summary, f.evidence["tracked"]) for f, _ in seen.found] == [
        ("loss.nonfinite", "kl: The loss is NaN at step 2.", "kl")
    ]


def test_a_tracked_value_that_explodes_is_told_and_one_that_falls_is_not(seen):
    for i in range(60):
        mldebug.track_loss(1.0 / (i + 1), "good", every=1)
        mldebug.track_loss(1.0 if i < 30 else 10.0 ** (i - 25), "bad", every=1)

    assert {(f.rule, f.evidence["tracked"]) for f, _ in seen.found} == {("loss.explosion", "bad")}


def test_what_the_hooks_have_told_is_not_told_again(watched):
    weight = nn.Parameter(torch.ones(1))
    opt = torch.optim.SGD([weight], 0.1)
    for factor in (1.0, math.nan):
        loss = (weight * factor).sum()
        loss.backward()
        mldebug.track_loss(loss, every=1)
        opt.step()
        opt.zero_grad()

    assert watched.rules() == ["loss.nonfinite"]


def test_a_loss_that_a_device_still_computes_is_read_when_it_is_there(seen):
    class Array:
        done = False

        def is_ready(self) -> bool:
            return self.done

        def __float__(self) -> float:
            assert self.done
            return math.nan

    slow = Array()
    mldebug.track_loss(slow, every=2)
    mldebug.track_loss(1.0, every=2)
    assert seen.found == []
    slow.done = True
    mldebug.track_loss(1.0, every=2)
    assert seen.rules() == ["loss.nonfinite"]


def test_gradients_are_looked_at_as_often_as_asked_and_their_norm_is_returned(looks):
    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
    opt = torch.optim.SGD(net.parameters(), 0.1)
    norms = []
    for _ in range(5):
        opt.zero_grad()
        net(torch.randn(4, 3)).square().mean().backward()
        total = nn.utils.clip_grad_norm_(net.parameters(), 1e9).item()
        norms.append((mldebug.track_gradients(net, every=3), total))
        opt.step()

    assert [n is not None for n, _ in norms] == [True, False, False, True, False]
    assert norms[3][0] == pytest.approx(norms[3][1], rel=1e-5)
    assert [p.name for p in looks[-1].parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert {(p.reached, p.trainable, p.optimized, p.changed) for p in looks[-1].parameters} == {
        (True, True, True, True)
    }
    assert len(looks) == 2


def test_before_backward_there_is_nothing_to_say(seen):
    assert mldebug.track_gradients(nn.Linear(2, 2), every=1) is None
    assert mldebug.track_gradients(nn.ReLU(), every=1) is None
    assert seen.found == []


def test_weights_that_are_not_finite_are_found_at_the_end_of_an_epoch(seen):
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert mldebug.track_parameters(net, epoch=0).faults == ()
    assert mldebug.track_parameters(net, epoch=0) is None
    with torch.no_grad():
        net[1].weight[0, 0] = math.nan
    assert mldebug.track_parameters(net, epoch=1).faults == ("1.weight holds NaN or infinite values",)
    assert mldebug.track_parameters(net, epoch=2) is not None

    assert [(f.rule, where["layer"]) for f, where in seen.found] == [("parameter.nonfinite", "1")]


def test_debug_step_does_all_at_its_intervals(looks):
    net = nn.Linear(2, 1)
    for batch in range(6):
        net(torch.ones(1, 2)).sum().backward()
        mldebug.debug_step(1.0, net, epoch=batch // 3, intervals=Intervals(loss=2, snapshot=4))

    assert [look.parameters[0].gradient is not None for look in looks] == [True, False, False, True]


def test_a_healthy_training_under_all_of_it_is_healthy(seen):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
    opt = torch.optim.Adam(net.parameters(), 1e-2)
    x = torch.randn(64, 4)
    y = x[:, :1] * 2
    for step in range(300):
        opt.zero_grad()
        loss = (net(x) - y).square().mean()
        loss.backward()
        mldebug.debug_step(loss, net, epoch=step // 50, intervals=Intervals(loss=1, snapshot=5))
        opt.step()

    assert [f.rule for f, _ in seen.found if f.severity not in ("info", "debug")] == []


def test_what_is_kept_of_a_model_goes_with_it(seen):
    net = nn.Linear(2, 2)
    mldebug.track_gradients(net)
    assert len(tracking._models) == 1
    del net
    gc.collect()
    assert len(tracking._models) == 0


def test_names_are_bounded(seen):
    for number in range(tracking.MOST_NAMES + 5):
        mldebug.track_loss(1.0, f"loss {number}")

    assert len(tracking._series) == tracking.MOST_NAMES


@pytest.mark.parametrize("call", [mldebug.track_loss, mldebug.track_gradients])
def test_an_interval_below_one_is_refused(call):
    with pytest.raises(UsageError, match="every=0: give 1 or more"):
        call(1.0, every=0)


def test_without_anybody_watching_nothing_is_kept():
    assert mldebug.track_loss(1.0) is False
    assert mldebug.track_gradients(nn.Linear(1, 1), every=1) is None
    assert mldebug.track_parameters(nn.Linear(1, 1)) is None
    assert tracking._series == {}


def test_a_forward_pass_is_called_under_watch_and_gives_its_output(seen):
    net = nn.Linear(4, 3)
    out = mldebug.debug_forward(net, torch.ones(2, 4), expected_shape=(None, 10))

    assert torch.equal(out, net(torch.ones(2, 4)))
    assert [(f.rule, f.summary) for f, _ in seen.found] == [
        ("contract.shape", "The output of Linear has shape (2, 3), expected (any, 10).")
    ]
    assert not net._forward_hooks


def test_a_forward_pass_that_raises_is_reported_with_its_inputs_and_raises():
    with Telemetry() as telemetry, pytest.raises(RuntimeError, match="cannot be multiplied"):
        mldebug.debug_forward(nn.Linear(4, 3), torch.ones(2, 5))

    [found] = telemetry.findings
    assert found.function == "Linear.forward"
    assert "5" in str(found.context["argument.input[0]"])


def test_a_compiled_model_is_looked_at_from_outside(seen):
    fast = torch.compile(nn.Linear(4, 3), backend="eager")

    assert mldebug.debug_forward(fast, torch.ones(2, 4), expected_shape=(None, 3)).shape == (2, 3)
    mldebug.debug_forward(fast, torch.ones(2, 4), expected_shape=(None, 9))
    assert [(f.rule, where["layer"]) for f, where in seen.found] == [("contract.shape", "Linear")]


def test_what_is_no_model_is_refused():
    with pytest.raises(UsageError, match="was given a int"):
        mldebug.debug_forward(3, torch.ones(1))
