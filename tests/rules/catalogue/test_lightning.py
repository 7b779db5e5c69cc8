"""The entries about trainers, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    (
        "lightning.missing_hook",
        "lightning.fabric.utilities.exceptions.MisconfigurationException",
        "No `training_step()` method defined. Lightning `Trainer` expects as minimum definition",
    ),
    (
        "lightning.missing_eval_hook",
        "pytorch_lightning.utilities.exceptions.MisconfigurationException",
        "No `val_dataloader()` method defined to run `Trainer.validate`.",
    ),
    (
        "lightning.early_stopping_metric",
        "RuntimeError",
        "Early stopping conditioned on metric `val_f1` which is not available. Pass in or "
        "modify your `EarlyStopping` callback",
    ),
    (
        "lightning.misconfiguration",
        "lightning.fabric.utilities.exceptions.MisconfigurationException",
        "`CUDAAccelerator` can not run on your system since the accelerator is not available.",
    ),
    ("rl.environment", "AssertionError", "Your environment must inherit from the gymnasium.Env class"),
    ("trainer.config", "ValueError", "Your setup doesn't support bf16/gpu."),
]
OTHERS = [
    ("metrics.input", "ValueError", "The `preds` has to be an integer tensor"),
    (
        "scheduler.steps",
        "KeyError",
        "param 'initial_lr' is not specified in param_groups[1] when resuming an optimizer",
    ),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("lightning.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
