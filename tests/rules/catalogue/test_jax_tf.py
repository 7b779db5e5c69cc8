"""The entries about JAX, TensorFlow and Keras, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    (
        "jax.tracer",
        "jax.errors.ConcretizationTypeError",
        "Abstract tracer value encountered where concrete value is expected: traced array with shape float32[]",
    ),
    ("jax.backend", "RuntimeError", "Unable to initialize backend 'tpu': UNAVAILABLE: No TPU Platform available."),
    (
        "jax.shape",
        "TypeError",
        "dot_general requires contracting dimensions to have the same shape, got (4,) and (5,).",
    ),
    ("jax.xla", "jaxlib.xla_extension.XlaRuntimeError", "UNKNOWN: -:0:0: error: unknown vhlo type code: 12"),
    (
        "jax.oom",
        "jaxlib.xla_extension.XlaRuntimeError",
        "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes.",
    ),
    (
        "keras.shape",
        "ValueError",
        'Input 0 of layer "dense" is incompatible with the layer: expected axis -1 of input '
        "shape to have value 784, but received input with shape (None, 28)",
    ),
    ("keras.symbolic", "ValueError", "A KerasTensor cannot be used as input to a TensorFlow function."),
    (
        "keras.loading",
        "ValueError",
        "File format not supported: filepath=saved. Keras 3 only supports V3 `.keras` files",
    ),
    ("tensorflow.general", "tensorflow.python.framework.errors_impl.AbortedError", "never seen"),
]
OTHERS = [
    ("numpy.shape", "ValueError", "shapes (3,4) and (5,6) not aligned: 4 (dim 1) != 5 (dim 0)"),
    ("numpy.shape", "ValueError", "operands could not be broadcast together with shapes (3,) (4,)"),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("jax_tf.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
