"""Exceptions that a library catches and prints: one finding each, printed as ever."""

import io
import logging
import socket
import socketserver
import sys
import traceback

import pytest

from otel_mldebug.instrument.printed import Printed
from otel_mldebug.rules.origin import package_of
from otel_mldebug.semconv.names import Severity
from otel_mldebug.testing import Telemetry

LIBRARY = "/env/lib/python3.11/site-packages/serving/loop.py"
PRINTING = """\
import sys, traceback

def swallow(handler, how):
    try:
        return handler()
    except Exception as exc:
        how(exc)

def refuse(kind):
    raise kind("not in the list of choices")

by_print_exc = lambda exc: traceback.print_exc()
as_exception = lambda exc: traceback.print_exception(exc)
as_three = lambda exc: traceback.print_exception(type(exc), exc, exc.__traceback__, None, sys.stderr)
"""


@pytest.fixture
def library():
    """Return the functions of a module that lies where packages are installed."""
    functions = {"__name__": "serving.loop"}
    exec(compile(PRINTING, LIBRARY, "exec"), functions)
    assert package_of(LIBRARY) == "serving"
    return functions


@pytest.fixture
def printed():
    watching = Printed()
    watching.install()
    yield watching
    watching.remove()


def answer(kind):
    """Make a class as Gradio's, which an app raises to tell its user something."""
    base = type("Error", (Exception,), {"__module__": "gradio.exceptions"})
    return type("Busy", (base,), {"__module__": "app"}) if kind == "subclass" else base


def predict():
    return {}["weights"]


@pytest.mark.parametrize("way", ["by_print_exc", "as_exception", "as_three"])
def test_what_a_library_swallows_and_prints_is_one_finding(telemetry, printed, library, capsys, way):
    library["swallow"](predict, library[way])
    (made,) = telemetry.findings
    assert (made.exception["type"], made.finding.severity) == ("KeyError", Severity.ERROR)
    assert made.context == {"printed_by": "serving.loop"}
    assert [frame["function"] for frame in made.exception["frames"] if frame["in_app"]] == ["predict"]
    assert capsys.readouterr().err.endswith("KeyError: 'weights'\n")


def test_a_handler_of_the_standard_librarys_server_that_fails_is_a_finding(telemetry, printed, capsys):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            predict()

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server, socket.create_connection(server.server_address):
        server.handle_request()
    (made,) = telemetry.findings
    assert (made.function, made.context) == (f"{__name__}.predict", {"printed_by": "socketserver"})
    assert "Exception occurred during processing of request" in capsys.readouterr().err


def test_what_the_program_prints_itself_it_got_over(telemetry, printed, capsys):
    try:
        predict()
    except KeyError as exc:
        traceback.print_exc()
        traceback.print_exception(exc)
    assert telemetry.findings == []
    assert capsys.readouterr().err.count("KeyError: 'weights'") == 2


def test_what_a_library_writes_elsewhere_is_its_own_affair(telemetry, printed, library):
    text = io.StringIO()
    library["swallow"](predict, lambda exc: traceback.print_exc(file=text))
    library["swallow"](predict, lambda exc: traceback.print_exception(exc, exc, exc.__traceback__, None, text))
    assert (telemetry.findings, text.getvalue().count("KeyError")) == ([], 2)


def test_a_log_that_cannot_be_formatted_is_no_finding(telemetry, printed, capsys):
    logger = logging.Logger("app")
    logger.addHandler(logging.StreamHandler(sys.stderr))
    logger.error("%d samples", "many")
    assert "--- Logging error ---" in capsys.readouterr().err
    assert telemetry.findings == []


def test_nothing_to_print_is_no_finding(telemetry, printed, library, capsys):
    library["as_exception"](None)
    library["by_print_exc"](None)
    assert telemetry.findings == []
    assert capsys.readouterr().err == "NoneType: None\n" * 2


@pytest.mark.parametrize("kind", ["itself", "subclass"])
def test_what_an_app_tells_its_user_on_purpose_is_no_fault(telemetry, printed, library, kind):
    def refuse():
        raise answer(kind)("Please upload an image first.")

    library["swallow"](refuse, library["by_print_exc"])
    (made,) = telemetry.findings
    assert (made.finding.severity, made.exception["message"]) == (Severity.INFO, "Please upload an image first.")


def test_an_answer_that_hides_a_failure_or_is_the_librarys_own_is_one(telemetry, printed, library):
    def hide():
        try:
            predict()
        except KeyError:
            raise answer("itself")("Something went wrong.")  # noqa: B904  (as apps do)

    library["swallow"](hide, library["by_print_exc"])
    library["swallow"](lambda: library["refuse"](answer("itself")), library["by_print_exc"])
    hidden, own = telemetry.findings
    assert [made.finding.severity for made in (hidden, own)] == [Severity.ERROR, Severity.ERROR]
    assert [link["type"] for link in hidden.exception["chain"]] == ["KeyError"]


def test_the_traceback_shows_no_notes_of_ours_and_removed_it_is_as_before(library, capsys):
    plain = traceback.print_exception
    watching = Printed()
    with Telemetry(notes=True) as telemetry:
        watching.install()
        library["swallow"](predict, library["by_print_exc"])
        watching.remove()
        library["swallow"](predict, library["by_print_exc"])
    first, second = capsys.readouterr().err.split("Traceback (most recent call last):\n")[1:]
    assert first == second
    assert len(telemetry.findings) == 1
    assert traceback.print_exception is plain
