"""What evaluation passes say: overfitting, training mode, graphs that nobody uses."""

from typing import Any

import pytest

from otel_mldebug.rules.course import Course, Evaluation
from otel_mldebug.rules.detectors.curves.overfitting import overfitting
from otel_mldebug.rules.detectors.curves.passes import (
    evaluation_in_training_mode,
    forced_in_evaluation,
    gradients_in_evaluation,
)
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.curves.curve import course, falling

RISING = [2.0, 1.5, 1.2, 1.25, 1.4, 1.6, 1.8, 2.1]


def evaluated(losses: Any, training: Any = None, every: int = 20, **same: Any) -> Course:
    """Return a course with an evaluation of each loss, `every` steps apart."""
    run = course(training or falling(every * len(losses), last=0.02))
    for i, loss in enumerate(losses, 1):
        run.evaluations.append(Evaluation(step=i * every, stream="evaluation 1", loss=loss, **same))
    return run


def test_overfitting_is_named_with_the_step_of_the_best_evaluation():
    finding = overfitting(evaluated(RISING, place="validate (train.py:12)"))

    assert finding is not None
    assert finding.rule == "training.overfitting"
    assert finding.evidence["step"] == 60
    assert finding.evidence["best_evaluation_loss"] == 1.2
    assert finding.evidence["place"] == "validate (train.py:12)"
    assert "Overfitting since step 60" in finding.summary


@pytest.mark.parametrize(("best", "apart"), [(2.4, True), (2.0, False)])
def test_labels_are_blamed_where_no_evaluation_was_better_than_an_untrained_model(best, apart):
    run = evaluated([best, best + 0.2, best + 0.5, best + 0.9, best + 1.3, best + 1.8], falling(120, first=2.3))
    finding = overfitting(run)

    assert finding.cause.startswith("Nothing of what is learned holds") == apart
    assert finding.solutions[0].startswith("Look at a few samples of both sets") == apart
    assert ("never lower than the 2." in finding.summary) == apart
    assert finding.evidence.get("first_training_loss") == (run.first_loss if apart else None)


STEADILY = [0.9, 0.7, 0.62, *(0.62 + 0.0135 * i for i in range(1, 15))]
"""The evaluation loss rises by little more than a quarter, but at every evaluation."""
SLOWLY = [0.9, 0.7, 0.62, *(0.62 + 0.008 * i for i in range(1, 15))]
"""By a sixth."""


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(evaluated(STEADILY), id="by a quarter"),
        pytest.param(evaluated(SLOWLY, falling(340, first=1.2, last=0.01)), id="by a sixth, where little was learned"),
    ],
)
def test_a_small_rise_that_goes_on_and_on_is_overfitting_too(run):
    finding = overfitting(run)

    assert finding is not None
    assert (finding.evidence["step"], finding.evidence["evaluations_since_best"]) == (60, 14)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(evaluated(STEADILY[:12]), id="rises steadily, but not for long"),
        pytest.param(evaluated(SLOWLY), id="rises steadily by a sixth, of a model that is good"),
        pytest.param(
            evaluated([0.9, 0.7, 0.62, *(0.62 + 0.002 * i for i in range(1, 15))]), id="rises next to nothing"
        ),
        pytest.param(
            evaluated([0.9, 0.7, 0.62, *(0.69 + 0.05 * (i % 2) for i in range(14))]), id="is worse, but rises no more"
        ),
        pytest.param(evaluated(STEADILY, falling(340, 0.5, 0.2)), id="rises, but not far above the training loss"),
        pytest.param(evaluated([2.0, 1.5, 1.2, 1.0, 0.9, 0.85, 0.8, 0.79]), id="both fall"),
        pytest.param(evaluated([2.0, 1.0, 1.02, 1.05, 1.04, 1.06, 1.05, 1.08]), id="hardly rises"),
        pytest.param(evaluated([1.0, 2.0, 0.9, 2.1, 0.8, 1.9, 1.1, 1.8]), id="noise"),
        pytest.param(evaluated(RISING, [2.0] * 160), id="training loss does not fall: it is something else"),
        pytest.param(evaluated(RISING, falling(160, 0.5, 2.0)), id="both rise"),
        pytest.param(evaluated(RISING[:4]), id="too few"),
        pytest.param(evaluated(RISING, trained_on=True), id="on the training data"),
        pytest.param(evaluated([None] * 8), id="no loss known"),
        pytest.param(course(falling(100)), id="no evaluation"),
    ],
)
def test_no_overfitting(run):
    assert overfitting(run) is None


KNOWN = [0.95, 0.9, *(1.0 + 0.06 * (i % 2) for i in range(10))]
"""The evaluation loss of a model that has hardly learned anything rises by a sixth and stays there."""
BY_HEART = falling(240, first=1.0, last=0.01)


def test_what_is_known_by_heart_and_no_more_is_overfitting_too():
    finding = overfitting(evaluated(KNOWN, BY_HEART))

    assert finding is not None
    assert (finding.evidence["step"], finding.evidence["best_evaluation_loss"]) == (40, 0.9)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(evaluated(KNOWN, falling(240, first=4.0, last=0.01)), id="a model that is good at it"),
        pytest.param(evaluated(KNOWN, falling(240, first=1.0, last=0.2)), id="not by heart"),
        pytest.param(evaluated(KNOWN[:9], BY_HEART), id="not for long"),
        pytest.param(evaluated([0.95, 0.9, *[0.97] * 10], BY_HEART), id="hardly rises"),
    ],
)
def test_a_model_that_is_a_little_too_sure_of_itself(run):
    assert overfitting(run) is None


def test_two_evaluations_of_one_program_are_told_apart():
    run = course(falling(160, last=0.02))
    for i in range(1, 9):
        for stream, loss in (("easy", 0.5 - 0.02 * i), ("hard", 2.0 - 0.05 * i)):
            run.evaluations.append(Evaluation(step=20 * i, stream=stream, loss=loss))

    assert overfitting(run) is None


FORGOT: dict[str, Any] = {"training_mode": True, "active": ("Dropout", "BatchNorm2d"), "batches": 4, "loader": True}
TRACKED: dict[str, Any] = {"training_mode": False, "tracked": "`logits`", "batches": 4, "loader": True}


def passes(*each: dict[str, Any]) -> Course:
    run = course(falling(100))
    for i, same in enumerate(each, 1):
        run.evaluations.append(Evaluation(step=20 * i, stream="evaluation 1", **same))
    return run


def test_evaluation_in_training_mode_is_named_with_what_is_active():
    finding = evaluation_in_training_mode(passes(FORGOT))

    assert finding is not None
    assert finding.rule == "evaluation.training_mode"
    assert finding.evidence["step"] == 20
    assert finding.summary == "The evaluation after step 19 ran in training mode: Dropout and BatchNorm2d active."


def test_layers_that_eval_does_not_reach_are_named_with_where_they_are_kept():
    finding = evaluation_in_training_mode(passes({**FORGOT, "training_mode": False, "apart": "members"}))

    assert finding is not None
    assert (finding.rule, finding.evidence["attribute"]) == ("evaluation.training_mode", "members")
    assert "Dropout and BatchNorm2d of `members` ran in training mode" in finding.summary


def test_gradients_in_evaluation_are_named_with_the_variable():
    finding = gradients_in_evaluation(passes({**TRACKED, "place": "test (train.py:40)"}))

    assert finding is not None
    assert (finding.rule, finding.severity) == ("evaluation.gradients_tracked", Severity.INFO)
    assert "(test (train.py:40)) tracks gradients that are not used: `logits` holds a graph" in finding.summary


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(passes({**FORGOT, "training_mode": False}, {**TRACKED, "tracked": ""}), id="as it should be"),
        pytest.param(passes({**FORGOT, "active": ()}), id="no layer that minds"),
        pytest.param(passes({**FORGOT, "training_mode": None}), id="modes unknown"),
        pytest.param(passes({**FORGOT, "trained_on": True}), id="training data"),
        pytest.param(passes({**FORGOT, "batches": 1}), id="one batch"),
        pytest.param(passes({**FORGOT, "loader": False, "batches": 1}), id="one loss without a loader"),
        pytest.param(passes({**TRACKED, "loader": False, "batches": 1}), id="one loss with a graph"),
        pytest.param(passes({**TRACKED, "training_mode": True}), id="training without a backward pass"),
    ],
)
def test_evaluations_that_are_fine(run):
    assert evaluation_in_training_mode(run) is None
    assert gradients_in_evaluation(run) is None


def test_without_a_loader_it_takes_two_passes():
    forgot = {**FORGOT, "loader": False, "batches": 1}
    tracked = {**TRACKED, "loader": False, "batches": 1}

    assert evaluation_in_training_mode(passes(forgot, forgot)) is not None
    assert gradients_in_evaluation(passes(tracked, tracked)) is not None


def test_a_rise_as_it_is_usual_with_few_labels_is_no_overfitting():
    assert overfitting(evaluated([2.0, 1.5, 1.2, 1.3, 1.45, 1.6, 1.62, 1.64])) is None


DROPPED: dict[str, Any] = {"training_mode": None, "forced": "dropout", "batches": 1, "loader": False}


def test_forced_in_evaluation_mode_is_named_with_its_place():
    finding = forced_in_evaluation(passes(DROPPED, {**DROPPED, "place": "Net.forward (train.py:9)"}))

    assert finding is not None
    assert (finding.rule, finding.evidence) == ("evaluation.dropout_active", {"step": 20, "passes": 2})


def test_batch_normalisation_that_is_told_to_train_is_another_rule():
    finding = forced_in_evaluation(passes(*[{**DROPPED, "forced": "batch_norm"}] * 2))

    assert finding is not None
    assert (finding.rule, finding.evidence) == ("evaluation.batch_statistics", {"step": 20, "passes": 2})


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(passes(DROPPED), id="once: it may be for anything"),
        pytest.param(passes({**DROPPED, "forced": ""}, {**DROPPED, "forced": ""}), id="as it should be"),
        pytest.param(passes(*[{**DROPPED, "trained_on": True}] * 2), id="training data"),
    ],
)
def test_no_forced_in_evaluation_mode(run):
    assert forced_in_evaluation(run) is None
