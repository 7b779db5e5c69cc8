"""What a rank tells of its times."""

from types import SimpleNamespace

import pytest

from otel_mldebug.instrument.training.distributed.standing import Standing
from otel_mldebug.rules.ranks import Times
from otel_mldebug.rules.steps import StepRecord

KNOWN = {"duration_s": 0.02, "forward_s": 0.004, "backward_s": 0.015, "optimizer_s": 0.001}
REPLICAS = SimpleNamespace(
    names=[], checks=tuple, wrapped=True, divided=None, joined=False, sharded=False, batches={},
    reducing=SimpleNamespace(told=tuple),
)  # fmt: skip


def told(backend, *records):
    window = [StepRecord(time_ns=0, **record) for record in records]
    recorder = SimpleNamespace(index=9, cells={}, latest=SimpleNamespace(window=window))
    standing = Standing(
        recorder,
        REPLICAS,
        clock=lambda: 1.0,
        stack_of=lambda _: [],
        cpu_s=lambda _: 0.0,
        group=lambda: (0, 2, backend),
    )
    standing.look(1.0)
    return standing.full().times


@pytest.mark.parametrize("backend", ["gloo", "cpu:gloo"])
def test_processor_times_are_told_where_waiting_costs_none(backend):
    assert told(backend, {"index": 3, **KNOWN, "cpu_s": 0.005}) == (Times(step=3, **KNOWN, cpu_s=0.005),)


@pytest.mark.parametrize(
    ("backend", "of_0", "of_1"),
    [
        pytest.param("nccl", {"cpu_s": 0.02}, {"cpu_s": 0.02}, id="who waits asks all the time"),
        pytest.param("cpu:gloo,cuda:nccl", {"cpu_s": 0.02}, {"cpu_s": 0.02}, id="both"),
        pytest.param("mpi", {"cpu_s": 0.02}, {"cpu_s": 0.02}, id="nothing is known of how it waits"),
        pytest.param("gloo", {"cpu_s": 0.02, "gpu_s": 0.01}, {"cpu_s": 0.02}, id="a GPU computes"),
        pytest.param("gloo", {}, {}, id="not measured"),
    ],
)
def test_processor_times_that_say_nothing_are_not_told(backend, of_0, of_1):
    times = told(backend, {"index": 3, **KNOWN, **of_0}, {"index": 4, **KNOWN, **of_1})

    assert times == (Times(step=3, **KNOWN), Times(step=4, **KNOWN))


def test_steps_without_a_backward_pass_are_left_out():
    assert told("gloo", {"index": 3, "duration_s": 0.01}) == ()
