"""What holds for every look, whatever it shows."""

import json
import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mldebug.rules.detectors import family
from otel_mldebug.rules.detectors.statics import DETECTORS, FAMILIES
from otel_mldebug.rules.looks import Layer, Look, Operation, Parameter, Part, Stats
from tests.rules.detectors.statics.build import (
    LINEAR,
    NLL,
    N,
    batch,
    chain,
    dropout,
    looks,
    op,
    root,
    steps,
    target,
    weight,
)

KINDS = (
    "Addmm", "Convolution", "Expand", "View", "T", "AccumulateGrad", "Select", "Cat", "Softmax", "LogSoftmax",
    "Logsumexp", "Sigmoid", "Relu", "Tanh", "Mul", "Sub", "Mean", "Sum", "MseLoss", "NllLoss",
    "BinaryCrossEntropyWithLogits", "NativeBatchNorm", "NativeDropout", "Embedding", "Somebodys",
)  # fmt: skip
numbers = st.one_of(
    st.sampled_from((0.0, 1.0, -1.0, 255.0, 1e3, 1e300, -1e300, math.inf, -math.inf, math.nan)), st.floats()
)
shapes = st.lists(st.sampled_from((0, 1, 2, 2, 16, 16)), max_size=4).map(tuple)
values = st.one_of(numbers, st.booleans(), st.integers(-3, 1 << 64), st.text(max_size=3), shapes)
some_stats = st.one_of(
    st.none(),
    st.builds(Stats, size=st.integers(0, 200), norm=numbers, mean=numbers, std=numbers, low=numbers, high=numbers),
)
some_operations = st.lists(
    st.builds(
        Operation,
        kind=st.sampled_from(KINDS),
        layer=st.sampled_from(("", "fc")),
        inputs=st.lists(st.integers(-2, 12), max_size=3).map(tuple),
        shape=shapes,
        operand=some_stats,
        operands=st.lists(shapes, max_size=2).map(tuple),
        settings=st.dictionaries(st.sampled_from(("dim", "p", "training", "reduction")), values, max_size=2),
    ),
    max_size=12,
).map(tuple)
some_looks = st.lists(
    st.builds(
        Look,
        step=st.integers(0, 100),
        time_ns=st.just(0),
        optimizer_kind=st.sampled_from(("", "Adam", "AdamW", "SGD", "LBFGS")),
        operations=some_operations,
        parts=st.lists(
            st.builds(
                Part,
                place=st.sampled_from(("batch[0]", "batch[1]", "MseLoss", "")),
                role=st.sampled_from(("", "input", "target")),
                shape=shapes,
                dtype=st.sampled_from(("", "float32", "int64")),
                stats=some_stats,
                digest=st.integers(0, 2),
                repeated=numbers,
            ),
            max_size=3,
        ).map(tuple),
        parameters=st.lists(
            st.builds(
                Parameter,
                name=st.just("fc.weight"),
                layer=st.sampled_from(("", "fc")),
                shape=shapes,
                learning_rate=st.one_of(st.none(), numbers),
                momentum=numbers,
                decay=numbers,
            ),
            max_size=3,
        ).map(tuple),
        layers=st.lists(
            st.builds(
                Layer,
                name=st.just("bn"),
                kind=st.sampled_from(("BatchNorm1d", "Dropout", "Net")),
                training=st.booleans(),
                root=st.booleans(),
                settings=st.dictionaries(st.sampled_from(("p", "track_running_stats")), values, max_size=2),
            ),
            max_size=3,
        ).map(tuple),
        complete=st.booleans(),
        passing=st.integers(0, 2),
        place=st.integers(0, 3),
        batches=st.integers(0, 3),
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=60)
@given(some_looks, st.lists(st.integers(0, 2), max_size=5))
def test_no_look_makes_a_detector_fail(seen, epochs):
    for detector in DETECTORS:
        finding = detector(seen, steps(epochs))
        if finding is not None:
            assert finding.basis == "detector"
            assert len(finding.solutions) >= 2
            assert 0.5 <= finding.confidence < 1
            assert finding.evidence["step"] in [look.step for look in seen]
            json.dumps(finding.to_json())


@settings(deadline=None)
@given(st.integers(0, len(DETECTORS) - 1), st.lists(st.integers(-2, 30), max_size=4))
def test_a_graph_of_any_depth_is_walked_to_its_end(detector, inputs):
    deep = chain(*[op("View", N, 3)] * 2000, replace(op("LogSoftmax", N, 3), inputs=tuple(inputs)), NLL)
    DETECTORS[detector](looks(*deep), [])


def test_a_healthy_classifier_is_left_alone():
    hidden = op("Addmm", N, 8, layer="fc1", operand=batch(1).stats, operands=((N, 20), (20, 8)))
    graph = chain(hidden, op("Relu", N, 8), LINEAR, op("LogSoftmax", N, 3, settings={"dim": 1}), NLL)
    label = target(0, 2, 1, 0.8, shape=(N,), dtype="int64")
    seen = [
        replace(one, parts=(batch(i + 1), label))
        for i, one in enumerate(looks(*graph, layers=(root(), dropout()), parameters=(weight("fc1", 8, 20),)))
    ]
    assert [detector(seen, steps((0, 0, 0, 0))) for detector in DETECTORS] == [None] * len(DETECTORS)


def test_families_are_shared_by_what_shows_the_same_trouble():
    assert family("loss.expects_logits") == family("loss.broadcast") == "output and loss"
    assert family("training.eval_mode") == "training.eval_mode"
    assert all(family(rule) == name for rule, name in FAMILIES.items())
