"""Healthy programs get no finding, whatever the seed; faulty ones get the right one near the right step."""

import gc
import warnings

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402
from tests.instrument.training.faulty import FAULTY  # noqa: E402
from tests.instrument.training.healthy import HEALTHY  # noqa: E402

SEEDS = range(3)


def run(program, seed, share=0.02):
    torch.manual_seed(seed)
    gc.collect()
    gc.freeze()  # what thousands of tests have left would be gone through again and again, and make steps slow
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(share)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's own, about what is planted
            program()
    finally:
        gc.unfreeze()
        pytorch.uninstall()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("program", HEALTHY, ids=lambda p: p.__name__)
def test_a_healthy_program_gets_no_finding(seen, program, seed):
    run(program, seed)

    assert seen.steps
    assert seen.rules() == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("program", "rules", "step", "kind"), FAULTY, ids=[f[0].__name__ for f in FAULTY])
def test_a_faulty_program_gets_the_right_finding_near_the_right_step(seen, program, rules, step, kind, seed):
    run(program, seed)

    assert seen.found
    finding, where = seen.found[0]
    # Steps this short cannot pay for a look at each: then a bad gradient shows in the loss of the next step.
    assert finding.rule in rules or finding.evidence["kind"] == kind == "backward operation"
    assert step <= where["step"] <= step + 30
    assert finding.evidence.get("kind", "") == kind or not kind
