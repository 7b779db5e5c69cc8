"""What single calls of the program show: nothing is loaded, nothing is unscaled, better is taken for worse."""

from collections.abc import Mapping, Sequence
from statistics import median

from otel_mldebug.rules.detectors.history import order
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category, Severity

LEAST_TENSORS = 2
"""Tensors of model and of checkpoint, at least."""
RENAMED = 0.5
"""Share of the tensors of the model, or of the checkpoint, that fit but for the beginning of their names."""
UNSCALED_STEPS, LEAST_SCALE, LEAST_NORM = 3, 1024.0, 1e-3
"""Steps in a row, factor from which on they are told apart, and the part of it that the gradient norm has to be: those
that the program has divided by itself are far below it, since norms of 0.01 to 10 are usual."""
WATCHED, REDUCED, ORDERED, MOVED, LEARNED = 5, 4.0, 0.8, 0.1, 0.9
"""Values that a schedule watches, and how many times lower it has made the rate since the first of them; Kendall's tau
of the values against time, 1 where each is further than all before it, which 5 values in any order are once in 120
times; how far they have moved, as a share of the larger end; and what is left of the first training loss."""

Shapes = Mapping[str, tuple[int, ...]]


def nothing_loaded(model: Shapes, checkpoint: Shapes, *, name: str, step: int) -> Finding | None:
    """Fire when `load_state_dict(strict=False)` has loaded nothing, because no name fits.

    Names that fit but for their beginning (`module.` of DataParallel, `_orig_mod.` of compiled models, `model.` of
    trainers) say why; names that have nothing in common may be of a part that the program loads by itself later.

    Source: torch.nn.Module.load_state_dict, which returns what was missing and unexpected, and says nothing.

    Args:
        model: Shapes of the model's own tensors by name.
        checkpoint: Those that it was given.
        name: Class of the model.
        step: Steps that were made so far.
    """
    if len(model) < LEAST_TENSORS or len(checkpoint) < LEAST_TENSORS or not model.keys().isdisjoint(checkpoint):
        return None
    pairs = [(theirs, ours) for theirs in checkpoint for ours in _endings(theirs, model)]
    pairs = [(theirs, ours) for theirs, ours in pairs if checkpoint[theirs] == model[ours]]
    found = len({theirs for theirs, _ in pairs})
    if found < max(LEAST_TENSORS, RENAMED * min(len(model), len(checkpoint))):
        return None
    theirs, ours = pairs[0]
    return Finding(
        rule="checkpoint.nothing_loaded",
        category=Category.MODEL_LOADING,
        severity=Severity.ERROR,
        summary=f"load_state_dict(strict=False) loaded nothing into {name}: none of the {len(checkpoint)} names of the "
        f"checkpoint is one of the model's ({theirs} is {ours} there).",
        cause="The checkpoint was saved from a model that was wrapped, compiled or part of another one, so its names "
        "begin differently, and strict=False hides that: the weights stay as they were drawn.",
        solutions=(
            f"Rename before loading, so that {theirs} becomes {ours}: "
            "torch.nn.modules.utils.consume_prefix_in_state_dict_if_present takes a prefix away.",
            "Load into the module that was saved (model.module, or the part of it), and save from there next time.",
            "Leave strict=True, or look at missing_keys and unexpected_keys of what load_state_dict returns.",
        ),
        prevention="Assert that missing_keys is what you expect after each load with strict=False.",
        confidence=0.95,
        basis="detector",
        evidence={
            "step": step,
            "tensors": len(checkpoint),
            "looked_at": len(model),
            "renamed": found,
            "checkpoint_name": theirs,
            "model_name": ours,
        },
    )


def never_unscaled(norms: Sequence[float], scale: float, *, step: int) -> Finding | None:
    """Fire when the optimizer has used gradients that are still multiplied by the factor of a gradient scaler.

    Source: torch.amp.GradScaler: gradients are to be unscaled by `scaler.step` or `scaler.unscale_`.

    Args:
        norms: Gradient norms of the first steps after `scale` was called, with neither of those in between.
        scale: Factor of the scaler.
        step: First of these steps.
    """
    if len(norms) < UNSCALED_STEPS or scale < LEAST_SCALE or max(norms) < LEAST_NORM * scale:
        return None
    return Finding(
        rule="gradient.never_unscaled",
        category=Category.OPTIMIZATION,
        severity=Severity.ERROR,
        summary=f"The optimizer uses gradients that are {scale:g} times too large (norm {median(norms):.3g}): the loss "
        f"was scaled in {len(norms)} steps in a row, and nothing has unscaled them.",
        cause="scaler.scale(loss).backward() is followed by optimizer.step() instead of scaler.step(optimizer).",
        solutions=(
            "Call scaler.step(optimizer) and then scaler.update() instead of optimizer.step().",
            "With bfloat16, or float32 alone, leave the scaler out.",
        ),
        prevention="Log the gradient norm: unscaled ones are about 0.01 to 10.",
        confidence=0.95,
        basis="detector",
        evidence={"step": step, "scale": scale, "gradient_norm": max(norms), "looked_at": len(norms)},
    )


def wrong_direction(
    values: Sequence[float], rates: Sequence[float], *, mode: str, left: float | None, step: int
) -> Finding | None:
    """Fire when `ReduceLROnPlateau` lowers the rate although what it watches gets better all the time.

    The first value is the best one by its `mode`, and nearly each further one is worse, while the training loss falls:
    an error is watched as if it were a score, or a score as if it were an error. A score that was at its best before
    training began and only falls is not told apart, nor is an error that only rises: training makes those worse.

    Source: torch.optim.lr_scheduler.ReduceLROnPlateau, whose mode is "min" unless told otherwise.

    Args:
        values: Numbers that it was given, oldest first.
        rates: Learning rate after each of them.
        mode: Its mode, `min` or `max`.
        left: Training loss of late as a share of the first; None when unknown.
        step: Step of the first reduction.
    """
    if len(values) < WATCHED or rates[-1] * REDUCED > rates[0] * (1 + 1e-9) or left is None or left > LEARNED:
        return None
    first, last = values[0], values[-1]
    falling = mode == "max"
    worse = order(values) * (-1 if falling else 1)
    if worse < ORDERED or abs(last - first) < MOVED * max(abs(first), abs(last)):
        return None
    right = "min" if falling else "max"
    return Finding(
        rule="learning_rate.wrong_mode",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"ReduceLROnPlateau has lowered the learning rate from {rates[0]:g} to {rates[-1]:g}, from step {step} "
        f'on, although training goes on well: with mode="{mode}" it takes each '
        f"{'fall' if falling else 'rise'} of what it watches ({first:.3g} to {last:.3g}) for the worse.",
        cause=f"What is given to scheduler.step() is {'an error, which' if falling else 'a score, which'} is to "
        f"{'fall' if falling else 'rise'}, and the mode says the opposite: the rate collapses while there is much to "
        "learn.",
        solutions=(
            f'Make it ReduceLROnPlateau(optimizer, mode="{right}").',
            f"Or give it {'a score, such as accuracy' if falling else 'an error, such as the validation loss'}.",
            "Lightning: the mode of the scheduler belongs to the `monitor` that it is configured with.",
        ),
        prevention="Log the learning rate beside the metric that the schedule watches.",
        confidence=0.9,
        basis="detector",
        evidence={
            "step": step,
            "mode": mode,
            "highest_learning_rate": rates[0],
            "learning_rate": rates[-1],
            "first_value": first,
            "value": last,
            "looked_at": len(values),
        },
    )


def _endings(name: str, others: Shapes) -> list[str]:
    """Return the name among `others` that ends as `name` does, where one of the two only has a beginning more."""
    parts = name.split(".")
    shorter = [ending for n in range(1, len(parts)) if (ending := ".".join(parts[n:])) in others]
    return shorter[:1] or [other for other in others if other.endswith(f".{name}")][:1]
