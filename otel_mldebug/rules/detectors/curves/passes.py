"""Evaluation that is done in training mode, or keeps graphs that nobody uses."""

from collections.abc import Sequence

from otel_mldebug.rules.course import Course, Evaluation
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LEAST_BATCHES = 2
"""Batches of a pass over a loader, at least."""
LEAST_PASSES = 2
"""Passes without a loader: one alone may be for anything."""


def evaluation_in_training_mode(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a whole evaluation pass had gradients disabled and layers active that belong to training.

    Args:
        window: Steps of one optimizer, oldest first: a `Course`, which knows the evaluations.
    """
    passes = [e for e in _evaluations(window) if e.active and not e.trained_on and not e.tracked]
    found = [e for e in passes if e.training_mode]
    if (first := _enough(found)) is not None:
        return _in_training_mode(
            first,
            found,
            "The evaluation after step {step}{at} ran in training mode: {layers} active.",
            "model.eval() was not called before it: dropout makes its results worse and random, and batch "
            "normalisation uses the statistics of the batch and takes evaluation data into its running ones. If that "
            "is meant to be so (Monte Carlo dropout), switch just those layers to training mode.",
            (
                "Call model.eval() before the evaluation, and model.train() before training goes on.",
                "For Monte Carlo dropout call model.eval() first and then .train() of the dropout layers alone.",
            ),
            "Put model.eval(), torch.no_grad() and model.train() into one function or context manager.",
        )
    found = [e for e in passes if e.apart]
    if (first := _enough(found)) is None:
        return None
    return _in_training_mode(
        first,
        found,
        f"In the evaluation after step {{step}}{{at}}, {{layers}} of `{first.apart}` ran in training mode although "
        "their model is in evaluation mode.",
        f"`{first.apart}` is a plain list or dict, so its modules are no part of the model: eval(), train(), to() and "
        "state_dict() do not reach them.",
        (
            f"Keep them in torch.nn.ModuleList or ModuleDict: self.{first.apart} = nn.ModuleList([...]).",
            "Remove code that made up for it, such as an own parameters().",
        ),
        "Run one batch twice through model.eval(): the results have to be equal.",
    )


def _in_training_mode(
    first: Evaluation,
    found: Sequence[Evaluation],
    summary: str,
    cause: str,
    solutions: tuple[str, ...],
    prevention: str,
) -> Finding:
    at = f" ({first.place})" if first.place else ""
    return Finding(
        rule="evaluation.training_mode",
        category=Category.EVALUATION,
        severity=Severity.WARNING,
        summary=summary.format(step=first.step - 1, at=at, layers=" and ".join(first.active[:3])),
        cause=cause,
        solutions=solutions,
        prevention=prevention,
        confidence=0.9 if first.loader else 0.8,
        basis="detector",
        evidence={
            "step": first.step,
            "layers": first.active,
            "passes": len(found),
            "batches": first.batches,
            **({"attribute": first.apart} if first.apart else {}),
            **({"place": first.place} if first.place else {}),
        },
    )


_FORCED = {
    "dropout": (
        "evaluation.dropout_active",
        "applies dropout",
        "torch.nn.functional.dropout is called without training=self.training: its default is True, and "
        "model.eval() does not reach it. Results of evaluation are worse than they should be, and random.",
        (
            "Write F.dropout(x, p, training=self.training), or use the layer torch.nn.Dropout.",
            "If dropout is meant to stay on (Monte Carlo dropout), use a torch.nn.Dropout layer and call .train() on "
            "it: that says so.",
        ),
    ),
    "batch_norm": (
        "evaluation.batch_statistics",
        "normalises by the statistics of its own batches",
        "torch.nn.functional.batch_norm is called with training=True, and model.eval() does not reach it. Results "
        "depend on what else is in the batch, and the running statistics take in evaluation data.",
        (
            "Write F.batch_norm(..., training=self.training), or use the layer torch.nn.BatchNorm1d, 2d or 3d.",
            "If statistics of the batch are meant, pass None for running_mean and running_var: that says so.",
        ),
    ),
}
"""Rule, what is done, cause and solutions, by the function that works as in training."""


def forced_in_evaluation(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when functions work as in training although the model is in evaluation mode: dropout, batch normalisation.

    Args:
        window: Steps of one optimizer, oldest first: a `Course`, which knows the evaluations.
    """
    course = Course.of(window)
    found = [e for e in course.evaluations if e.forced and not e.trained_on]
    if (first := _enough(found)) is None:
        return None
    rule, does, cause, solutions = _FORCED[first.forced]
    at = f" ({first.place})" if first.place else ""
    return Finding(
        rule=rule,
        category=Category.EVALUATION,
        severity=Severity.WARNING,
        summary=f"The evaluation after step {first.step - 1}{at} {does} although the model is in evaluation mode.",
        cause=cause,
        solutions=solutions,
        prevention="Run one batch twice through model.eval(), once alone: the results have to be equal.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": first.step,
            "passes": len(found),
            **({"place": first.place} if first.place else {}),
        },
    )


def gradients_in_evaluation(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when an evaluation pass builds graphs that are never used.

    Args:
        window: Steps of one optimizer, oldest first: a `Course`, which knows the evaluations.
    """
    found = [e for e in _evaluations(window) if e.tracked and not e.training_mode and not e.trained_on]
    if (first := _enough(found)) is None:
        return None
    at = f" ({first.place})" if first.place else ""
    return Finding(
        rule="evaluation.gradients_tracked",
        category=Category.EVALUATION,
        severity=Severity.INFO,
        summary=f"The evaluation after step {first.step - 1}{at} tracks gradients that are not used: {first.tracked} "
        "holds a graph.",
        cause="model.eval() does not switch gradients off: each forward pass keeps all activations for a backward "
        "pass that never comes, which takes memory and time.",
        solutions=(
            "Put the evaluation under `with torch.no_grad():`, or torch.inference_mode().",
            "Keep numbers and not tensors of it: loss.item(), output.detach().",
        ),
        prevention="Decorate evaluation functions with @torch.no_grad().",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": first.step,
            "holds": first.tracked,
            "passes": len(found),
            "batches": first.batches,
            **({"place": first.place} if first.place else {}),
        },
    )


def _evaluations(window: Sequence[StepRecord]) -> list[Evaluation]:
    course = Course.of(window)
    return [] if course.shared else list(course.evaluations)


def _enough(found: Sequence[Evaluation]) -> Evaluation | None:
    """Return the first of those that say something by themselves, or together."""
    over = [e for e in found if e.loader and e.batches >= LEAST_BATCHES]
    if over:
        return over[0]
    return found[0] if len({e.step for e in found}) >= LEAST_PASSES else None
