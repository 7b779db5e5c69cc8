"""A real FastAPI app behind a real uvicorn: each failure in it is one finding, each answer on purpose none."""

import json
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from http.client import IncompleteRead
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.servers.serving import OTEL_MLDEBUG, ended, serve, told, told_by_text

MISSING = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"needs {' and '.join(MISSING)}: pip install --group serve"),
    pytest.mark.skipif(sys.version_info < (3, 11), reason="the app has a TaskGroup, which came with Python 3.11"),
]

FAILING = ("sync", "async", "dependency", "background", "model", "stream", "group", "handled")
ON_PURPOSE = {"missing": 404, "translated": 404, "refused": 400, "typed/x": 422, "nowhere": 404}
FAILURES = sorted(
    [
        ("file.not_found", "FileNotFoundError", ("dispatch", "in_a_thread", "load"), 1),
        ("json.syntax", "JSONDecodeError", ("dispatch", "in_the_loop", "parse"), 1),
        ("structure.index", "KeyError", ("dispatch", "get_model"), 1),
        ("data.number_text", "ValueError", ("as_number",), 1),  # in the background, when the answer has been sent
        ("pydantic.validation", "ResponseValidationError", ("dispatch",), 1),
        ("data.number_text", "ValueError", ("tokens", "as_number"), 1),
        ("connection.refused", "ConnectionRefusedError", ("connect",), 1),
        ("data.file_missing", "FileNotFoundError", ("handled", "load"), 1),
    ]
)


def ask(url):
    return {path: answer(f"{url}/{path}") for path in (*FAILING, *ON_PURPOSE, "fine")}


def answer(url):
    """Return status and body."""
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            body = b""
            with suppress(IncompleteRead):  # a stream that breaks off
                body = response.read()
            return response.status, body.decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return what came of `otel-mldebug run python shop.py`."""
    command = [*OTEL_MLDEBUG, "run", sys.executable, "-m", "shop", "0"]
    return serve(tmp_path_factory.mktemp("plain"), command, ask)


@pytest.fixture(scope="module")
def without_code(tmp_path_factory):
    """Return what came of `opentelemetry-instrument uvicorn shop:app`, where every failure is answered with its id."""
    instrument = Path(sys.executable).with_name("opentelemetry-instrument")
    exporters = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "none")
    command = [str(instrument), sys.executable, "-m", "uvicorn", "shop:app", "--port", "0"]
    return serve(tmp_path_factory.mktemp("zero"), command, ask, ANSWER_WITH_IDS="1", **exporters)


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    """Return what came of `uvicorn shop:app`, where the app calls `configure()`."""
    command = [sys.executable, "-m", "uvicorn", "shop:app", "--port", "0"]
    return serve(tmp_path_factory.mktemp("configured"), command, ask, CONFIGURE="1")


@pytest.mark.parametrize("started", ["plain", "without_code", "configured"])
def test_each_failure_is_one_finding_about_its_root_and_answers_on_purpose_are_none(request, started):
    assert told(request.getfixturevalue(started).findings(), "shop.py") == FAILURES


@pytest.mark.parametrize("started", ["plain", "without_code", "configured"])
def test_the_server_goes_on_and_answers_as_it_would(request, started):
    answers = request.getfixturevalue(started).answers
    assert answers["fine"] == (200, '{"fine":true}')
    assert {path: answers[path][0] for path in ON_PURPOSE} == ON_PURPOSE
    failed = {path: answers[path][0] for path in FAILING}
    assert failed == {**dict.fromkeys(FAILING, 500), "background": 200, "stream": 200}


def test_the_function_whose_answer_does_not_fit_is_named(plain):
    (found,) = [finding for finding in plain.findings() if finding["rule"] == "pydantic.validation"]
    assert found["function"] == "wrong_answer"


def test_the_log_tells_the_same_failures_except_the_handled_one(plain):
    in_the_log = [row for row in FAILURES if "handled" not in row[2]]
    named = [
        (*row[:2], (*row[2], "wrong_answer"), row[3]) if row[0] == "pydantic.validation" else row for row in in_the_log
    ]
    assert told_by_text(plain.explained(), "shop.py") == sorted(named)


def test_the_verdict_is_there_when_the_server_is_stopped(plain):
    assert "otel-mldebug: error, " in plain.log
    assert "recorded 8 findings" in plain.log


@pytest.mark.parametrize("path", ["sync", "dependency", "group", "handled"])
def test_the_id_that_a_user_was_given_finds_the_failure(without_code, path):
    given = json.loads(without_code.answers[path][1])
    found = without_code.errors(given["id"])
    assert given["id"] in json.dumps(found)
    assert given["rule"] in json.dumps(found)


def test_an_app_that_cannot_start_is_one_finding_which_its_log_tells_too(tmp_path):
    """Starlette and uvicorn let nobody see the exception: they hand on its traceback as text."""
    command = [*OTEL_MLDEBUG, "run", sys.executable, "-m", "uvicorn", "unready:app", "--port", "0"]
    served = ended(tmp_path, command)
    failure = ("file.not_found", "FileNotFoundError", ("lifespan", "load_model"), 1)
    assert (served.code, told(served.findings(), "unready.py")) == (3, [failure])
    assert told_by_text(served.explained(), "unready.py") == [failure]
