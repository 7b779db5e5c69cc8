"""The entries about weights and checkpoints, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    (
        "state_dict.mismatch",
        "RuntimeError",
        'Error(s) in loading state_dict for UNet:\n	Missing key(s) in state_dict: "down.0.weight".',
    ),
    (
        "load.weights_only",
        "_pickle.UnpicklingError",
        "Weights only load failed. WeightsUnpickler error: Unsupported global: GLOBAL "
        "argparse.Namespace was not an allowed global by default.",
    ),
    (
        "load.corrupt",
        "RuntimeError",
        "PytorchStreamReader failed reading zip archive: failed finding central directory",
    ),
    (
        "load.no_cuda",
        "RuntimeError",
        "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False.",
    ),
    ("load.missing_class", "AttributeError", "Can't get attribute 'Encoder' on <module '__main__' (built-in)>"),
    ("load.not_torchscript", "RuntimeError", "PytorchStreamReader failed locating file constants.pkl: file not found"),
]
OTHERS = [
    ("cuda.unavailable", "AssertionError", "Torch not compiled with CUDA enabled"),
    ("optimizer.state_mismatch", "ValueError", "loaded state dict has a different number of parameter groups"),
    (
        "keras.custom_object",
        "ValueError",
        "Unknown layer: 'Patches'. Please ensure you are using a `keras.utils.custom_object_scope`",
    ),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("model_files.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
