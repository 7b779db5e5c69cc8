"""Programs without a loader that wait, and what only looks like it; spikes that the collection of garbage makes."""

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.curves.latency import latency_spikes
from otel_mldebug.rules.detectors.input_bound import input_bound
from otel_mldebug.rules.steps import StepRecord

WAITING = {"duration_s": 0.04, "forward_s": 0.037, "backward_s": 0.002, "optimizer_s": 0.001, "cpu_s": 0.004}


def run(n=150, shared=False, **same):
    out = Course(StepRecord(index=i, time_ns=i, **{**WAITING, **same}) for i in range(n))
    out.shared = shared
    return out


def busy(n=150):
    """Return steps of a machine on which half of the time belongs to others, in turns."""
    return Course(StepRecord(index=i, time_ns=i, **{**WAITING, "cpu_s": 0.004 if i % 4 else 0.03}) for i in range(n))


@pytest.mark.parametrize(
    ("window", "fires"),
    [
        pytest.param(run(), True, id="waits for a socket"),
        pytest.param(run(cpu_s=0.035), False, id="makes its data"),
        pytest.param(run(cpu_s=None), False, id="processor time unknown"),
        pytest.param(run(50), False, id="little was lost"),
        pytest.param(run(gpu_s=0.03), False, id="a GPU works meanwhile"),
        pytest.param(run(backward_s=0.015), False, id="backward takes as long as a model's would"),
        pytest.param(run(duration_s=0.009, forward_s=0.008, backward_s=0.0005), False, id="short waits"),
        pytest.param(run(evaluation_s=0.1), False, id="evaluates in between"),
        pytest.param(run(shared=True), False, id="several optimizers"),
        pytest.param(busy(), False, id="a busy machine"),
        pytest.param(Course(), False, id="no steps"),
    ],
)
def test_a_program_without_a_loader_that_waits(window, fires):
    finding = input_bound(window)
    assert (finding and (finding.rule, finding.evidence["steps"])) == (("data.input_bound", 145) if fires else None)


MAKING = {"cpu_s": 0.04, "prepare_s": 0.034}


@pytest.mark.parametrize(
    ("window", "fires"),
    [
        pytest.param(run(**MAKING), True, id="makes its batches in the loop"),
        pytest.param(run(**{**MAKING, "prepare_s": 0.02}), False, id="the model takes as long"),
        pytest.param(run(**{**MAKING, "prepare_s": None}), False, id="it is not known when the model was called"),
        pytest.param(run(50, **MAKING), False, id="little was lost"),
        pytest.param(run(600, **{**MAKING, "duration_s": 0.008, "prepare_s": 0.007}), False, id="batches made quickly"),
        pytest.param(run(**MAKING, gpu_s=0.03), False, id="what was read off a GPU may have been waited for"),
        pytest.param(run(**MAKING, shared=True), False, id="several optimizers"),
        pytest.param(run(**MAKING, evaluation_s=0.03), False, id="evaluates in between"),
    ],
)
def test_a_program_that_makes_its_batches_while_the_model_waits(window, fires):
    finding = input_bound(window)
    assert (finding and finding.evidence) == (
        {"data_share": 0.85, "median_wait_s": 0.034, "steps": 145} if fires else None
    )


def spikes(gc_s, cpu_s=0.2, save_s=None):
    usual = {"duration_s": 0.01, "forward_s": 0.004, "backward_s": 0.004, "optimizer_s": 0.001, "cpu_s": 0.01}
    slow = {**usual, "duration_s": 0.21, "forward_s": 0.204, "cpu_s": cpu_s, "gc_s": gc_s, "save_s": save_s}
    return [StepRecord(index=i, time_ns=i, **(slow if i % 20 == 19 else usual)) for i in range(200)]


def test_the_collection_of_garbage_is_named_as_the_cause_of_spikes():
    finding = latency_spikes(spikes(0.19))

    assert finding is not None
    assert "collection of garbage" in finding.cause
    assert (finding.evidence["every_steps"], round(finding.evidence["garbage_collection_s"], 2)) == (20, 1.9)


@pytest.mark.parametrize("gc_s", [None, 0.05], ids=["nothing collected", "a little collected"])
def test_what_a_program_without_a_loader_computes_is_its_own(gc_s):
    assert latency_spikes(spikes(gc_s)) is None


def test_other_waits_are_not_blamed_on_garbage():
    finding = latency_spikes(spikes(0.05, cpu_s=0.02))

    assert finding is not None
    assert "collection of garbage" not in finding.cause
    assert "garbage_collection_s" not in finding.evidence


def test_checkpoints_are_named_as_the_cause_of_spikes_also_where_they_compute():
    finding = latency_spikes(spikes(None, save_s=0.18))

    assert finding is not None
    assert "checkpoint" in finding.cause
    assert round(finding.evidence["saving_s"], 2) == 1.8
    assert finding.summary.endswith(" Every 20 steps. They write: torch.save takes 0.18 s each time.")
    assert finding.cause.startswith("torch.save writes")


def test_short_checkpoints_are_not_blamed():
    assert latency_spikes(spikes(None, save_s=0.05)) is None


STARVED = {"duration_s": 0.01, "data_s": 0.009, "forward_s": 0.0005, "backward_s": 0.0004, "optimizer_s": 0.0001}


@pytest.mark.parametrize(
    ("same", "n", "fires"),
    [
        pytest.param({"samples": 16}, 150, True, id="decodes each sample slowly"),
        pytest.param({"samples": 16}, 130, False, id="little was lost"),
        pytest.param({"samples": 64}, 150, False, id="fast enough for each sample"),
        pytest.param({"samples": None}, 150, False, id="samples unknown"),
        pytest.param({"samples": 8, "backward_s": 0.003}, 150, False, id="the model has enough to do"),
    ],
)
def test_a_model_that_has_next_to_nothing_to_do(same, n, fires):
    window = Course(StepRecord(index=i, time_ns=i, cpu_s=0.01, **{**STARVED, **same}) for i in range(n))
    finding = input_bound(window)
    assert (finding and finding.rule) == ("data.input_bound" if fires else None)
