"""The entries about optimizers, schedulers and scalers, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    ("optimizer.no_parameters", "ValueError", "optimizer got an empty parameter list"),
    ("optimizer.hyperparameter", "ValueError", "Invalid beta parameter at index 1: 1.5"),
    ("optimizer.closure", "TypeError", "step() missing 1 required positional argument: 'closure'"),
    (
        "optimizer.state_mismatch",
        "ValueError",
        "loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
    ),
    ("scheduler.steps", "ValueError", "Tried to step 501 times. The specified number of total steps is 500"),
    ("scaler.order", "AssertionError", "No inf checks were recorded for this optimizer."),
    (
        "optimizer.train_mode",
        "Exception",
        "Optimizer was not in train mode when step is called. Please insert .train() and .eval() calls on it.",
    ),
    ("optimizer.train_mode", "Exception", "Not in train mode!"),
    ("optimizer.unknown_argument", "TypeError", "AdamW.__init__() got an unexpected keyword argument 'correct_bias'"),
    ("optimizer.unknown_argument", "TypeError", "__init__() got an unexpected keyword argument 'initial_lr'"),
    (
        "optimizer.unknown_argument",
        "TypeError",
        "ReduceLROnPlateau.__init__() got an unexpected keyword argument 'verbose'",
    ),
]
OTHERS = [
    (
        "state_dict.mismatch",
        "RuntimeError",
        "Error(s) in loading state_dict for Net: size mismatch for fc.weight: copying a param "
        "with shape torch.Size([5, 8]) from checkpoint",
    ),
    ("model.missing_input", "TypeError", "forward() missing 1 required positional argument: 'mask'"),
    ("structure.training", "RuntimeError", "Evaluation cannot run while the loop is in train mode!"),
    ("python.unexpected_argument", "TypeError", "Adamant() got an unexpected keyword argument 'fused'"),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("optimization.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours


def test_a_complex_number_is_the_schedules_and_a_large_one_the_models():
    def category(message):
        return explain(ErrorFacts(type="RuntimeError", message=message)).category

    conversion = "value cannot be converted to type float without overflow: "
    assert category(conversion + "(-9.9e-08,-1.8e-11)") == "optimization"
    assert category(conversion + "1e+60") == "model"
    alpha = "input tensors, argument alpha must not be a "
    assert category(f"For non-complex {alpha}complex number.") == "optimization"
    assert category(f"For integral {alpha}floating point number.") == "model"
