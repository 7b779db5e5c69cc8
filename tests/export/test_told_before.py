"""A program reports a failure and raises another class for its caller: that is one finding, wherever it is seen."""

import pytest

from otel_mldebug.export.seen import finding_of
from otel_mldebug.semconv.names import Severity


class ServiceError(Exception):
    pass


def load():
    return {}["bert"]


def translated(report, *, chain=True):
    """Return what the caller of a function gets that reports its failure and raises its own class."""
    try:
        try:
            load()
        except KeyError as exc:
            report(exc)
            if chain:
                raise ServiceError("not available") from exc
            raise ServiceError("not available") from None
    except ServiceError as exc:
        return exc
    raise AssertionError("it loads")


def test_what_is_raised_for_a_reported_failure_is_the_same_finding(telemetry):
    outer = translated(telemetry.runtime.exception)
    again = telemetry.runtime.exception(outer, context={"logged_by": "app"})
    assert telemetry.findings == [again]
    assert finding_of(outer) is again.finding
    assert (again.exception["type"], telemetry.runtime.exception(outer)) == ("KeyError", again)


def test_a_failure_that_was_taken_lightly_at_first_is_reported_as_what_it_became(telemetry):
    outer = translated(lambda exc: telemetry.runtime.exception(exc, at_most=Severity.WARNING))
    telemetry.runtime.exception(outer)
    assert [made.finding.severity for made in telemetry.findings] == [Severity.WARNING, Severity.ERROR]


def test_two_failures_of_which_one_hides_the_other_are_two(telemetry):
    outer = translated(telemetry.runtime.exception, chain=False)
    telemetry.runtime.exception(outer)
    assert [made.exception["type"] for made in telemetry.findings] == ["KeyError", f"{__name__}.ServiceError"]


def test_another_failure_while_one_is_handled_is_a_finding_of_its_own(telemetry):
    def fall_back(exc):
        telemetry.runtime.exception(exc)
        raise MemoryError("Unable to allocate 2.00 GiB for an array with shape (1, 2) and data type float32")

    with pytest.raises(MemoryError) as caught:
        translated(fall_back)
    telemetry.runtime.exception(caught.value)
    assert [made.exception["type"] for made in telemetry.findings] == ["KeyError", "MemoryError"]


def test_a_chain_that_goes_round_in_a_circle_has_an_end(telemetry):
    first, second = KeyError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert telemetry.runtime.exception(first) is not None
