"""The entries about torch.compile and Triton, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    ("compile.unsupported", "torch._dynamo.exc.Unsupported", "Data-dependent branching"),
    (
        "compile.backend",
        "torch._dynamo.exc.BackendCompilerFailed",
        "backend='inductor' raised: RuntimeError: Cannot find a working triton installation.",
    ),
    (
        "compile.triton",
        "triton.compiler.errors.CompilationError",
        "at 31:16: AttributeError(\"'NoneType' object has no attribute 'type'\")",
    ),
    (
        "compile.fake_tensor",
        "Exception",
        "Please convert all Tensors to FakeTensors first or instantiate FakeTensorMode with 'allow_non_fake_inputs'.",
    ),
]
OTHERS = [
    (
        "cuda.graph",
        "RuntimeError",
        "Error: accessing tensor output of CUDAGraphs that has been overwritten by a subsequent run.",
    ),
    ("module.jit", "RuntimeError", "Tracer cannot infer type of (3, None)"),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("compile.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
