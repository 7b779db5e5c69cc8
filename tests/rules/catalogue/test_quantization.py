"""The entries about quantized models, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    (
        "quantization.bitsandbytes_setup",
        "ImportError",
        "Using `bitsandbytes` 4-bit quantization requires the latest version of bitsandbytes: "
        "`pip install -U bitsandbytes`",
    ),
    (
        "quantization.offload",
        "ValueError",
        "Some modules are dispatched on the CPU or the disk. Make sure you have enough GPU RAM "
        "to fit the quantized model.",
    ),
    ("quantization.model_ops", "ValueError", "`.to` is not supported for `4-bit` or `8-bit` bitsandbytes models."),
    (
        "quantization.gptq_awq",
        "ValueError",
        "Unknown quantization type, got acme - supported types are: ['awq', 'bitsandbytes_4bit']",
    ),
    ("quantization.torch", "RuntimeError", "Didn't find engine for operation quantized::conv2d_prepack NoQEngine"),
]
OTHERS = [
    (
        "hf.train_quantized_distributed",
        "ValueError",
        "You can't train a model that has been loaded in 8-bit precision on multiple devices in any distributed mode.",
    ),
    ("cuda.oom", "torch.OutOfMemoryError", "CUDA out of memory. Tried to allocate 9.00 GiB."),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("quantization.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
