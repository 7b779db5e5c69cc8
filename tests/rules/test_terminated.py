"""What is said when SIGTERM ends a training."""

import pytest

from otel_mldebug.rules.terminated import terminated
from otel_mldebug.semconv.names import Category, Severity


@pytest.mark.parametrize(
    ("steps", "code", "severity", "summary"),
    [
        pytest.param(
            120,
            None,
            Severity.WARNING,
            "SIGTERM ended the program after at least 120 training steps.",
            id="by the signal",
        ),
        pytest.param(
            1, 1, Severity.WARNING, "SIGTERM ended the program after at least 1 training step.", id="by a launcher"
        ),
        pytest.param(
            2000,
            0,
            Severity.INFO,
            "SIGTERM came after 2,000 training steps; the program then ended by itself, with exit code 0.",
            id="in good order",
        ),
    ],
)
def test_the_step_is_said_and_whether_the_program_ended_by_itself(steps, code, severity, summary):
    finding = terminated("SIGTERM", steps, code=code)
    assert finding is not None
    assert (finding.rule, finding.category, finding.severity) == ("process.terminated", Category.SYSTEM, severity)
    assert finding.summary == summary
    assert finding.evidence["step"] == steps - 1
    assert ("exit_code" in finding.evidence) is (code is not None)


@pytest.mark.parametrize("code", [None, 0, 1])
def test_what_has_not_trained_has_nothing_to_lose(code):
    assert terminated("SIGTERM", 0, code=code) is None
