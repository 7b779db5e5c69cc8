"""The entries about gradients, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    ("autograd.no_graph", "RuntimeError", "element 0 of tensors does not require grad and does not have a grad_fn"),
    (
        "autograd.second_backward",
        "RuntimeError",
        "Trying to backward through the graph a second time (or directly access saved tensors "
        "after they have already been freed).",
    ),
    (
        "autograd.inplace",
        "RuntimeError",
        "one of the variables needed for gradient computation has been modified by an inplace "
        "operation: [torch.FloatTensor [7, 3]] is at version 4; expected version 3 instead.",
    ),
    (
        "autograd.inference_tensor",
        "RuntimeError",
        "Inference tensors cannot be saved for backward. To work around you can make a clone",
    ),
    ("autograd.not_scalar", "RuntimeError", "grad can be implicitly created only for scalar outputs"),
    (
        "autograd.detach_needed",
        "RuntimeError",
        "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.",
    ),
    ("autograd.nonfinite", "RuntimeError", "Function 'SqrtBackward0' returned nan values in its 0th output."),
    (
        "autograd.checkpoint",
        "torch.utils.checkpoint.CheckpointError",
        "torch.utils.checkpoint: Recomputed values for the following tensors have different "
        "metadata than during the forward pass.",
    ),
    (
        "autograd.custom_function",
        "RuntimeError",
        "function MyOpBackward returned an incorrect number of gradients (expected 2, got 1)",
    ),
]
OTHERS = [
    (
        "ddp.unused_parameters",
        "RuntimeError",
        "Expected to have finished reduction in the prior iteration before starting a new one.",
    ),
    ("loss.nonfinite", "ValueError", "loss is nan at step 12"),
    ("scaler.order", "ValueError", "Attempting to unscale FP16 gradients."),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("autograd.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
