"""The fast subset of the suite, run for real: each fault gets its finding near its step, healthy programs get none."""

import pytest

from benchmarks.diagnosis.program import programs
from benchmarks.diagnosis.running import run

pytestmark = [pytest.mark.torch, pytest.mark.timeout(180)]
pytest.importorskip("sklearn")

TABLE = {
    "faulty/broadcast_loss": "loss.broadcast",
    "faulty/constant_input": "data.constant_input",
    "faulty/nan_log_of_zero": "loss.nonfinite",
    "faulty/no_zero_grad": "gradient.not_zeroed",
    "faulty/softmax_before_cross_entropy": "loss.expects_logits",
    "faulty/softmax_over_batch": "loss.softmax_dimension",
    "faulty/vanishing_sigmoid": "gradient.vanishing",
    "healthy/converged_plateau": "",
    "healthy/frozen_backbone": "",
    "healthy/grad_scaler_startup": "",
}
"""Name of the program -> rule that finds its fault."""
FAST = {program.name: program for program in programs(fast=True)}


def test_the_table_names_the_whole_subset():
    assert set(TABLE) == set(FAST)


@pytest.mark.parametrize("name", TABLE)
def test_a_fault_is_found_and_nothing_else(name):
    result = run(FAST[name], seed=0)
    rule = result.verdict.hit.partition(" ")[2].partition(" ")[0].rstrip(":")

    assert (result.broken, rule, result.verdict.false) == ("", TABLE[name], ())
