"""Plain recurrent layers that forget, and those that need not remember."""

from dataclasses import replace
from typing import Any

import pytest

from otel_mldebug.rules.detectors.layers.recurrence import exploding_recurrence, forgetful_recurrence
from otel_mldebug.rules.looks import Look, Operation
from otel_mldebug.rules.steps import StepRecord
from tests.rules.detectors.layers.building import looks, stats, weight

HIDDEN = replace(weight("rnn", (48, 48), module="RNN"), name="rnn.weight_hh_l0", weight=stats(48 * 48, 0.08))


def seen(length: int = 120, out: float = 0.3, hidden: Any = HIDDEN, **fields: Any) -> list[Look]:
    """Return looks at a recurrent layer that went through a sequence."""
    step = Operation(kind="Tanh", layer="rnn", output=stats(32 * 48, out))
    return looks([hidden, weight("fc")], operations=(step,) * length, **fields)


def losses(last: float, n: int = 300) -> list[StepRecord]:
    """Return steps whose loss goes from 1 to `last` in the first third."""
    return [
        StepRecord(index=i, time_ns=i, duration_s=0.01, loss=1 + (last - 1) * min(1.0, 3 * i / n)) for i in range(n)
    ]


def test_a_recurrence_that_shrinks_gradients_at_each_step_is_named_where_nothing_is_learned():
    finding = forgetful_recurrence(seen(), losses(1.0))

    assert finding is not None
    assert finding.rule == "gradient.vanishing"
    assert finding.evidence["layer"] == "rnn"
    assert finding.evidence["length"] == 120
    assert finding.evidence["factor"] == pytest.approx(0.08 * 48**0.5 * 0.91, rel=1e-3)


@pytest.mark.parametrize(
    ("window", "records"),
    [
        pytest.param(seen(), losses(0.5), id="it learns all the same"),
        pytest.param(seen(), losses(1.0, 150), id="too early"),
        pytest.param(seen(20), losses(1.0), id="short sequences"),
        pytest.param(seen(hidden=replace(HIDDEN, weight=stats(48 * 48, 0.145))), losses(1.0), id="orthogonal weights"),
        pytest.param(seen(hidden=replace(HIDDEN, module="LSTM")), losses(1.0), id="gates"),
        pytest.param(seen(hidden=replace(HIDDEN, trainable=False)), losses(1.0), id="a reservoir that is not trained"),
        pytest.param(seen(complete=False), losses(1.0), id="a graph that was cut"),
        pytest.param(looks([HIDDEN]), losses(1.0), id="no graph"),
        pytest.param(seen(), [], id="no steps"),
    ],
)
def test_recurrences_that_do_no_harm_and_others(window, records):
    assert forgetful_recurrence(window, records) is None


LARGE = replace(
    weight("rnn", (64, 64), module="RNN", relative=90.0),
    name="rnn.weight_hh_l0",
    weight=stats(64 * 64, 0.25),
    gradient=stats(64 * 64, 0.25 * 90),
)
SMALL = replace(LARGE, gradient=stats(4096, 0.01))
HEAD = weight("fc", (1, 64), relative=1.0)


def at_first(*parameters: Any, uses: int = 0, **fields: Any) -> list[Look]:
    """Return looks at parameters, with a layer `cell.h` that is used so many times in a pass."""
    step = Operation(kind="Addmm", layer="cell.h")
    return looks(parameters, operations=(step,) * uses, **fields)


@pytest.mark.parametrize(
    ("window", "layer"),
    [
        pytest.param(at_first(LARGE, HEAD), "rnn", id="an RNN"),
        pytest.param(at_first(replace(LARGE, module="LSTM", shape=(256, 64)), HEAD), "rnn", id="an LSTM"),
        pytest.param(
            at_first(replace(LARGE, module="Linear", name="cell.h.weight", layer="cell.h"), HEAD, uses=40),
            "cell.h",
            id="a cell of one's own",
        ),
        pytest.param(at_first(LARGE, weight("mid"), HEAD), "rnn", id="more layers behind it"),
        pytest.param(
            [*at_first(replace(LARGE, update_ratio=0.6), HEAD, at=(0,)), *at_first(SMALL, HEAD, at=(1, 2))],
            "rnn",
            id="the first step only, which throws the weights off",
        ),
    ],
)
def test_a_recurrence_that_starts_too_large_and_whose_gradients_explode_is_named(window, layer):
    finding = exploding_recurrence(window, [])

    assert finding is not None
    assert (finding.rule, finding.evidence["layer"], finding.evidence["step"]) == ("gradient.exploding", layer, 0)
    assert finding.evidence["gain"] == pytest.approx(2.0)
    assert finding.evidence["gradient_over_weight"] == pytest.approx(90.0)


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(at_first(replace(LARGE, weight=stats(64 * 64, 0.125)), HEAD), id="orthogonal weights"),
        pytest.param(at_first(replace(LARGE, gradient=stats(64 * 64, 0.001)), HEAD), id="gradients are clipped"),
        pytest.param(at_first(LARGE, weight("fc", (1, 64), relative=80.0)), id="all gradients are large"),
        pytest.param(at_first(replace(LARGE, trainable=False), HEAD), id="a reservoir"),
        pytest.param(at_first(LARGE), id="nothing behind it"),
        pytest.param(
            at_first(replace(LARGE, module="Linear", name="cell.h.weight", layer="cell.h"), HEAD, uses=4),
            id="a layer that is used a few times",
        ),
        pytest.param(at_first(LARGE, HEAD, at=(0, 64, 128)), id="one look at the beginning"),
        pytest.param(
            [*at_first(LARGE, HEAD, at=(0,)), *at_first(SMALL, HEAD, at=(1, 2))],
            id="the first step only",
        ),
    ],
)
def test_recurrences_whose_gradients_keep_their_size(window):
    assert exploding_recurrence(window, []) is None
