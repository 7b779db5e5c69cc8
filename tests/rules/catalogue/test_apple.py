"""What a command buffer of Metal failed for decides what is said about it."""

import pytest

from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts


@pytest.mark.parametrize(
    ("reason", "category"),
    [
        ("Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)", "memory"),
        ("Impacting Interactivity (0000000e:kIOGPUCommandBufferCallbackErrorImpactingInteractivity)", "system"),
        ("Internal Error (0000000e:Internal Error)", "system"),
    ],
)
def test_only_a_buffer_that_lacked_memory_is_about_memory(reason, category):
    finding = explain(ErrorFacts(type="RuntimeError", message=f"[METAL] Command buffer execution failed: {reason}"))
    assert (str(finding.category), str(finding.severity), finding.retryable) == (category, "critical", False)
    assert finding.evidence["reason"] == reason.partition(" (")[0]
