"""Plain recurrent layers that forget, and those that need not remember."""

from dataclasses import replace
from typing import Any

import pytest

from otel_mldebug.rules.detectors.layers.recurrence import forgetful_recurrence
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
