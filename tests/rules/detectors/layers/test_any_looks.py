"""Whatever looks there are, no detector raises, and what it finds is complete."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_mldebug.rules.detectors import family
from otel_mldebug.rules.detectors.layers import DETECTORS, FAMILIES
from otel_mldebug.rules.looks import Look, Operation, Parameter, Stats
from otel_mldebug.rules.steps import StepRecord
from tests.rules.detectors.layers.building import FALLING, FLAT, NET, looks

numbers = st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e300, float("nan"), float("inf"), 1e-5, 0.5, 40.0])
shares = st.sampled_from([0.0, 0.5, 0.95, 1.0])
shapes = st.sampled_from([(), (0,), (4,), (64, 1), (64, 32), (8, 4, 3, 3)])
all_stats = st.builds(
    Stats, size=st.sampled_from([0, 1, 2048]), norm=numbers, mean=numbers, std=numbers, low=numbers, high=numbers,
    zero=shares, nonfinite=shares, tiny=shares,
)  # fmt: skip
maybe = st.none() | st.booleans()
parameters = st.builds(
    Parameter, name=st.sampled_from("abcd"), layer=st.sampled_from(["", "fc1", "fc2"]),
    module=st.sampled_from(["Linear", "ConvTranspose2d", "LSTM", "Embedding", "BatchNorm2d"]), shape=shapes,
    dtype=st.sampled_from(["float16", "float32"]), trainable=st.booleans(), optimized=st.booleans(), reached=maybe,
    weight=st.none() | all_stats, gradient=st.none() | all_stats, update_ratio=st.none() | numbers, changed=maybe,
    learning_rate=st.none() | numbers,
)  # fmt: skip
operations = st.builds(
    Operation, kind=st.sampled_from(["Addmm", "Relu", "Sigmoid", "Tanh", "View", "LogSoftmax", "NllLoss"]),
    layer=st.sampled_from(["", "fc1", "fc2"]), inputs=st.lists(st.integers(-1, 4), max_size=2).map(tuple), shape=shapes,
    output=st.none() | all_stats, operand=st.none() | all_stats, units=st.sampled_from([0, 1, 32]),
    dead=st.none() | shares, saturated=st.none() | shares,
)  # fmt: skip
any_look = st.builds(
    Look, step=st.integers(0, 300), time_ns=st.just(0), loss=st.none() | numbers,
    operations=st.lists(operations, max_size=5).map(tuple), parameters=st.lists(parameters, max_size=5).map(tuple),
    stale=maybe, autocast=st.sampled_from(["", "float16"]), scale=st.none() | numbers,
)  # fmt: skip
any_step = st.builds(
    StepRecord, index=st.integers(0, 300), time_ns=st.just(0), duration_s=st.just(0.1), loss=st.none() | numbers,
    gradient_norm=st.none() | numbers, learning_rate=st.none() | numbers,
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(any_look, min_size=1, max_size=5), st.lists(any_step, max_size=60))
def test_no_looks_make_a_detector_raise(seen, records):
    seen = sorted(seen, key=lambda look: look.step)
    for detect in DETECTORS:
        finding = detect(seen, records)
        if finding is not None:
            assert finding.rule in FAMILIES or family(finding.rule) == finding.rule
            assert len(finding.solutions) >= 2
            assert finding.cause
            assert finding.prevention
            assert 0 < finding.confidence <= 1
            assert finding.basis == "detector"
            assert finding.evidence["step"] in [look.step for look in seen] + [r.index for r in records]


@pytest.mark.parametrize("records", [FLAT, FALLING, []], ids=["flat", "falling", "unknown"])
@pytest.mark.parametrize("detect", DETECTORS, ids=lambda d: d.__name__)
def test_a_healthy_network_has_no_findings(detect, records):
    for last in range(1, 9):
        assert detect(looks(NET)[:last], records) is None


@pytest.mark.parametrize("detect", DETECTORS, ids=lambda d: d.__name__)
def test_looks_that_saw_nothing_have_no_findings(detect):
    assert detect([replace(look, parameters=()) for look in looks(NET)], FLAT) is None
