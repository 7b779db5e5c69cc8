"""Exceptions that are logged: one finding each, and the logs as ever."""

import io
import logging
import traceback

import pytest

from otel_mldebug.instrument.logged import Logged
from otel_mldebug.semconv.names import Severity
from otel_mldebug.testing import Telemetry


def fail(message="boom"):
    raise ValueError(message)


def log_failure(logger, level):
    try:
        fail()
    except ValueError:
        logger.log(level, "batch %d failed", 3, exc_info=True)


@pytest.fixture
def logged():
    watching = Logged()
    watching.install()
    yield watching
    watching.remove()


@pytest.fixture
def logger():
    text = io.StringIO()
    found = logging.getLogger("app.train")
    handler = logging.StreamHandler(text)
    found.addHandler(handler)
    found.propagate = False
    found.text = text
    yield found
    found.removeHandler(handler)
    found.propagate = True


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        pytest.param(logging.CRITICAL, Severity.ERROR, id="a log cannot make it worse"),
        pytest.param(logging.ERROR, Severity.ERROR, id="error"),
        pytest.param(logging.WARNING, Severity.WARNING, id="the program expects it"),
        pytest.param(logging.INFO, Severity.INFO, id="the program hardly minds"),
    ],
)
def test_a_logged_exception_is_one_finding(telemetry, logged, logger, level, severity):
    logger.setLevel(logging.DEBUG)
    log_failure(logger, level)
    (made,) = telemetry.findings
    assert (made.exception["message"], made.finding.severity) == ("boom", severity)
    assert made.context == {
        "logged_by": "app.train",
        "logged_as": logging.getLevelName(level),
        "log_message": "batch 3 failed",
    }


def test_an_exception_that_is_logged_twice_and_raised_on_is_one_finding(telemetry, logged, logger):
    def log_and_raise():
        try:
            fail()
        except ValueError:
            logger.exception("first")
            logger.exception("second")
            raise

    with pytest.raises(ValueError, match="boom") as caught:
        log_and_raise()
    telemetry.runtime.exception(caught.value)
    assert len(telemetry.findings) == 1


def test_what_is_logged_is_not_changed_by_notes(logger):
    def text_of(watching):
        logger.text.truncate(0)
        watching()
        return logger.text.getvalue().replace("\0", "")

    plain = text_of(lambda: log_failure(logger, logging.ERROR))
    watching = Logged()
    with Telemetry(notes=True) as telemetry:
        watching.install()
        seen = text_of(lambda: log_failure(logger, logging.ERROR))
        watching.remove()
    assert seen == plain
    assert len(telemetry.findings) == 1


@pytest.mark.parametrize("name", ["otel_mldebug", "opentelemetry.sdk.trace.export"])
def test_logs_about_watching_are_no_findings(telemetry, logged, name):
    handler = logging.NullHandler()
    found = logging.getLogger(name)
    found.addHandler(handler)
    try:
        log_failure(found, logging.ERROR)
    finally:
        found.removeHandler(handler)
    assert telemetry.findings == []


def test_a_log_without_an_exception_and_one_that_is_filtered_are_no_findings(telemetry, logged, logger):
    logger.error("bad")
    logger.error("bad", exc_info=True)
    logger.setLevel(logging.ERROR)
    log_failure(logger, logging.WARNING)
    assert telemetry.findings == []


def test_the_line_that_logs_is_found_as_ever(telemetry, logged, logger):
    records = []
    logger.addFilter(lambda record: records.append(record) or True)
    log_failure(logger, logging.ERROR)
    assert (records[0].funcName, records[0].filename) == ("log_failure", "test_logged.py")


def test_behind_somebody_elses_ours_stays_and_looks_at_nothing(telemetry, logger):
    watching = Logged()
    plain = logging.Logger.callHandlers
    watching.install()
    ours = logging.Logger.callHandlers
    logging.Logger.callHandlers = lambda *args: ours(*args)
    try:
        watching.remove()
        log_failure(logger, logging.ERROR)
        assert telemetry.findings == []
        watching.install()
        log_failure(logger, logging.ERROR)
        assert [found.exception["message"] for found in telemetry.findings] == ["boom"]
    finally:
        logging.Logger.callHandlers = ours
        watching.remove()
    assert logging.Logger.callHandlers is plain


def test_a_traceback_that_is_logged_as_text_is_one_finding(telemetry, logged, logger):
    """As uvicorn logs why an app cannot start, and as programs do that do not know of `exc_info`."""
    try:
        fail()
    except ValueError:
        logger.error(traceback.format_exc())
        logger.error("batch %d failed: %s", 3, traceback.format_exc())
    (made,) = telemetry.findings
    assert (made.exception["message"], made.context["logged_by"]) == ("boom", "app.train")


def test_a_text_while_nothing_is_handled_and_another_text_meanwhile_are_no_findings(telemetry, logged, logger):
    try:
        fail()
    except ValueError:
        text = traceback.format_exc()
        logger.error("will try again: boom")
        logger.error({"traceback": text})
    logger.error(text)
    assert telemetry.findings == []
