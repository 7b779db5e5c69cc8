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
    (
        "lightning.strategy",
        "ValueError",
        "You selected an invalid strategy name: `strategy='dp'`. It must be either a string or an instance of "
        "`pytorch_lightning.strategies.Strategy`. Example choices: auto, ddp, ddp_spawn, deepspeed, ...",
    ),
    (
        "lightning.strategy",
        "ValueError",
        "You set `strategy=ddp` but strategies from the DDP family are not supported on the MPS accelerator.",
    ),
    (
        "lightning.strategy",
        "TypeError",
        "Found invalid type for plugin <pytorch_lightning.plugins.environments.SLURMEnvironment object at 0x2b>. "
        "Expected one of: PrecisionPlugin, CheckpointIO, ClusterEnviroment, or LayerSync.",
    ),
]
OTHERS = [
    ("structure.allowed_values", "ValueError", "the strategy name must be lower case"),
    ("deepspeed.config", "ValueError", "DeepSpeed strategy: train_batch_size is not given"),
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


def _strategy(of, wanted_by):
    return explain(
        ErrorFacts(
            type="ValueError",
            message=f"You selected an invalid strategy name: `strategy=<{of}.strategies.ddp.DDPStrategy object>`. "
            f"It must be either a string or an instance of `{wanted_by}.strategies.Strategy`.",
        )
    ).summary


def test_a_strategy_of_the_other_lightning_package_is_told_apart():
    assert "another Lightning package" in _strategy("lightning.pytorch", "pytorch_lightning")
    assert "another Lightning package" in _strategy("pytorch_lightning", "lightning.pytorch")
    assert "another Lightning package" not in _strategy("lightning.pytorch", "lightning.pytorch")
    assert "another Lightning package" not in _strategy("my.own", "lightning.pytorch")
