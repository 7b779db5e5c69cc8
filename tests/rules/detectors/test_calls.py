"""Checkpoints of which nothing is loaded, and gradients that nothing unscales."""

import pytest

from otel_mldebug.rules.detectors.calls import never_unscaled, nothing_loaded, wrong_direction

MODEL = {"conv.weight": (8, 3, 3, 3), "conv.bias": (8,), "head.weight": (2, 8), "head.bias": (2,)}


def under(prefix, names=MODEL):
    return {f"{prefix}{name}": shape for name, shape in names.items()}


def loaded(model, checkpoint):
    return nothing_loaded(model, checkpoint, name="Net", step=3)


@pytest.mark.parametrize(
    ("model", "checkpoint", "theirs", "ours"),
    [
        pytest.param(MODEL, under("module."), "module.conv.weight", "conv.weight", id="saved from DataParallel"),
        pytest.param(MODEL, under("_orig_mod."), "_orig_mod.conv.weight", "conv.weight", id="saved compiled"),
        pytest.param(under("model."), MODEL, "conv.weight", "model.conv.weight", id="loaded into a wrapper"),
        pytest.param(
            {**under("encoder."), "new.weight": (4, 8), "new.bias": (4,)}, MODEL, "conv.weight", "encoder.conv.weight",
            id="loaded into the whole instead of a part",
        ),
    ],
)  # fmt: skip
def test_names_that_only_begin_differently(model, checkpoint, theirs, ours):
    finding = loaded(model, checkpoint)

    assert finding is not None
    assert (finding.rule, finding.severity) == ("checkpoint.nothing_loaded", "error")
    assert finding.evidence == {
        "step": 3,
        "tensors": len(checkpoint),
        "looked_at": len(model),
        "renamed": 4,
        "checkpoint_name": theirs,
        "model_name": ours,
    }


@pytest.mark.parametrize(
    ("model", "checkpoint"),
    [
        pytest.param(MODEL, MODEL, id="all of it"),
        pytest.param(MODEL, {"conv.weight": (8, 3, 3, 3), "fc.weight": (9, 8)}, id="all but the head"),
        pytest.param(MODEL, {**under("module."), "conv.bias": (8,)}, id="at least something"),
        pytest.param(MODEL, {"prompt.a": (4, 8), "prompt.b": (4, 8)}, id="a part that is loaded by other means"),
        pytest.param(MODEL, {f"old.{name}": (7, 7) for name in MODEL}, id="another architecture"),
        pytest.param(MODEL, {}, id="nothing to load"),
        pytest.param({"weight": (2, 2)}, {"a.weight": (2, 2)}, id="a single tensor"),
    ],
)
def test_what_is_loaded_in_part_or_elsewhere(model, checkpoint):
    assert loaded(model, checkpoint) is None


@pytest.mark.parametrize(
    ("norms", "scale", "fires"),
    [
        pytest.param([9e4, 2e4, 7e4], 65536.0, True, id="scaled"),
        pytest.param([1e5, 0.0, 0.0], 65536.0, True, id="the first update has thrown everything off"),
        pytest.param([1.4, 0.3, 1.1], 65536.0, False, id="divided by the program"),
        pytest.param([9e4, 2e4], 65536.0, False, id="two steps"),
        pytest.param([2.0, 3.0, 1.0], 1.0, False, id="a scale that does nothing"),
    ],
)
def test_gradients_that_nothing_unscales(norms, scale, fires):
    finding = never_unscaled(norms, scale, step=0)
    told = finding and (finding.rule, finding.evidence["gradient_norm"], finding.evidence["step"])
    assert told == (("gradient.never_unscaled", max(norms), 0) if fires else None)


FALLING, RISING = [0.9, 0.6, 0.5, 0.42, 0.4, 0.38], [0.5, 0.6, 0.68, 0.74, 0.78, 0.8]
HALVED = [1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4, 2.5e-4]


@pytest.mark.parametrize(
    ("values", "rates", "mode", "left", "fires"),
    [
        pytest.param(FALLING, HALVED, "max", 0.5, True, id="an error as if it were a score"),
        pytest.param(RISING, HALVED, "min", 0.5, True, id="a score as if it were an error"),
        pytest.param([-200.0, -150.0, -90.0, -95.0, -40.0, -20.0], HALVED, "min", 0.8, True, id="rewards below 0"),
        pytest.param(FALLING, HALVED, "min", 0.5, False, id="an error that falls"),
        pytest.param(RISING, HALVED, "max", 0.5, False, id="a score that rises"),
        pytest.param(FALLING, [1e-3] * 5 + [5e-4], "max", 0.5, False, id="lowered by half"),
        pytest.param(FALLING[:4], HALVED[:4], "max", 0.5, False, id="too early"),
        pytest.param([0.4, 0.5, 0.38, 0.45, 0.36, 0.44], HALVED, "max", 0.5, False, id="no direction"),
        pytest.param([0.40, 0.399, 0.398, 0.397, 0.396, 0.395], HALVED, "max", 0.5, False, id="hardly moved"),
        pytest.param([0.5] * 6, HALVED, "max", 0.5, False, id="at rest"),
        pytest.param(FALLING, HALVED, "max", 1.0, False, id="nothing was learned: a score that gets worse"),
        pytest.param(FALLING, HALVED, "max", None, False, id="training loss unknown"),
        pytest.param([0.7, 0.5, 0.4, 0.45, 0.55, 0.7], HALVED, "min", 0.2, False, id="overfitting"),
    ],
)
def test_schedules_that_take_better_for_worse(values, rates, mode, left, fires):
    finding = wrong_direction(values, rates, mode=mode, left=left, step=30)
    told = finding and (finding.rule, finding.evidence["step"], finding.evidence["value"])
    assert told == (("learning_rate.wrong_mode", 30, values[-1]) if fires else None)


def test_the_right_mode_is_told():
    finding = wrong_direction(FALLING, HALVED, mode="max", left=0.5, step=30)

    assert 'with mode="max" it takes each fall of what it watches (0.9 to 0.38) for the worse' in finding.summary
    assert finding.solutions[0] == 'Make it ReduceLROnPlateau(optimizer, mode="min").'
