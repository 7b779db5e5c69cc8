"""A real Gradio app, called through its own client: Gradio swallows what fails in it, and each failure is a finding."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.servers.serving import APPS, OTEL_MLDEBUG, explained, serve, told, told_by_text

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="needs gradio: pip install --group serve")

APP_ERROR = "gradio_client.exceptions.AppError"
NOT_SHOWN = (
    "The upstream Gradio app has raised an exception but has not enabled verbose error reporting. "
    "To enable, set show_error=True in launch()."
)
FAILING = ("fails", "breaks_off", "in_the_loop", "in_a_batch", "wrong_picture", "too_few", "not_queued", "wrong_choice")
FAILING_SHOWN = ("hides", "handled_and_shown")
ON_PURPOSE = ("refuses", "refuses_silently")
FAILURES = sorted(
    [
        ("file.not_found", "FileNotFoundError", ("fails", "load"), 2),  # also without the queue
        ("data.number_text", "ValueError", ("breaks_off",), 1),
        ("connection.refused", "ConnectionRefusedError", ("in_the_loop",), 1),
        ("json.empty", "JSONDecodeError", ("in_a_batch",), 1),
        ("gradio.component", "ValueError", (), 1),  # a picture that is none
        ("gradio.component", "ValueError", (), 1),  # too few values
        ("gradio.component", "Error", (), 1),
        ("structure.index", "KeyError", ("hides",), 1),
        ("file.not_found", "FileNotFoundError", ("handled", "load"), 1),
        ("file.not_found", "FileNotFoundError", ("handled_and_shown", "load"), 1),
        ("gradio.error", "Error", ("refuses",), 1),
    ]
)


def ask(url):
    names = (*FAILING, *FAILING_SHOWN, *ON_PURPOSE, "handled", "fine")
    command = [sys.executable, str(APPS / "client.py"), url, *names]
    return json.loads(subprocess.run(command, capture_output=True, timeout=90, check=True).stdout)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Return what came of `otel-mldebug run python studio.py`."""
    here = tmp_path_factory.mktemp("gradio")
    offline = {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(here), "NO_PROXY": "*", "no_proxy": "*"}
    return serve(here, [*OTEL_MLDEBUG, "run", sys.executable, "-m", "studio"], ask, **offline)


def test_each_failure_is_one_finding_about_its_root(served):
    assert told(served.findings(), "studio.py") == FAILURES


def test_what_the_app_tells_its_user_on_purpose_is_no_fault_of_it(served):
    severities = {finding["exception"]["message"]: finding["severity"] for finding in served.findings()}
    assert severities.pop("'Please upload an image first.'") == "info"
    assert set(severities.values()) == {"error"}


def test_the_server_goes_on_and_its_users_see_what_they_would(served):
    assert served.answers["fine"] == {"answer": "HUGE"}
    shown = {
        name: served.answers[name]["error"].removeprefix(f"{APP_ERROR}: ") for name in ("fails", "hides", *ON_PURPOSE)
    }
    assert shown == {
        "fails": "[Errno 2] No such file or directory: '/nonexistent/model.bin'",
        "hides": "Something went wrong.",
        "refuses": "Please upload an image first.",
        "refuses_silently": "Please log in.",
    }


def test_the_console_tells_the_same_failures_except_the_handled_one(served):
    assert told_by_text(served.explained(), "studio.py") == [row for row in FAILURES if row[2][:1] != ("handled",)]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("fails", "file.not_found"),
        ("breaks_off", "data.number_text"),
        ("in_the_loop", "connection.refused"),
        ("in_a_batch", "json.empty"),
        ("wrong_picture", "gradio.component"),
        ("too_few", "gradio.component"),
        ("wrong_choice", "gradio.component"),
        ("refuses", "gradio.error"),
    ],
)
def test_what_a_client_gets_is_told_as_the_failure_that_it_names(served, name, rule):
    (found,) = explained(served.answers[name]["error"])
    assert (found["rule"], found["exception"]["type"]) == (rule, APP_ERROR)


def test_what_a_client_gets_of_an_app_that_shows_no_errors_says_where_to_look():
    (found,) = explained(f"{APP_ERROR}: {NOT_SHOWN}")
    assert found["rule"] == "gradio.error"
    assert "show_error=True" in found["solutions"][0]


@pytest.mark.parametrize("name", ["handled", "handled_and_shown"])
def test_the_id_that_a_user_was_given_finds_the_failure(served, name):
    (id_,) = re.findall(r"quote ([0-9a-f]{16})", str(served.answers[name]))
    found = json.dumps(served.errors(id_))
    assert id_ in found
    assert "file.not_found" in found


def test_the_verdict_is_there_when_the_app_is_stopped(served):
    assert "recorded 11 findings" in served.log
