"""`otel-mldebug errors GROUP --resolve|--ignore|--reopen`."""

import json

import pytest

from otel_mldebug.cli import errors
from otel_mldebug.cli.main import main
from tests.cli.stored import nan_run
from tests.store.making import finding, occurrence, writer

RULES = ["loss.nonfinite", "network.refused"]


@pytest.fixture
def root(here):
    return nan_run(here / ".mldebug")


def said(capsys, *words, code=0):
    assert main(["errors", *words]) == code
    return capsys.readouterr().out


def listed(capsys, *words):
    return {f["rule"]: f.get("state", "open") for f in json.loads(said(capsys, "--json", *words))["findings"]}


def test_an_ignored_one_is_hidden_unless_all_are_asked_for(root, capsys):
    assert said(capsys, "beef", "--ignore", "--note", "planned") == "ignored: network.refused (beefbeefbeefbeef)\n"
    assert listed(capsys) == {"loss.nonfinite": "open"}
    assert listed(capsys, "--all") == {"loss.nonfinite": "open", "network.refused": "ignored"}
    assert "1 ignored: otel-mldebug errors --all\n" in said(capsys)
    assert "(planned)" in said(capsys, "--all")
    assert "state      ignored " in said(capsys, "beef")


def test_what_was_decided_can_be_taken_back(root, capsys):
    said(capsys, "beef", "--ignore")
    said(capsys, "beef", "--reopen")
    assert listed(capsys) == dict.fromkeys(RULES, "open")


def test_a_resolved_one_that_occurs_again_is_shown_as_reopened(root, capsys, monkeypatch):
    monkeypatch.setattr(errors.time, "time_ns", lambda: 1_795_000_500_000_000_000)
    said(capsys, "a1b2", "--resolve", "--note", "clipped")
    assert listed(capsys) == {"loss.nonfinite": "resolved", "network.refused": "open"}
    out = writer(root, "2026-11-19-110640-1f3a", rank=0)
    out.finding(occurrence(77, at_s=1000, of=finding("loss.nonfinite", "a1b2c3d4e5f60718")))
    out.close()
    assert listed(capsys, "--run", "all") == {"loss.nonfinite": "reopened", "network.refused": "open"}
    assert "reopened: it was resolved " in said(capsys, "--run", "all")


def test_what_is_settled_fails_no_job(root, capsys):
    words = ("--fail-on", "error", "--json")
    codes = []
    for decision in ("--resolve", "--reopen", "--ignore"):
        codes.append(main(["errors", *words]))
        main(["errors", "a1b2", decision])
    codes.append(main(["errors", *words]))
    codes.append(main(["errors", *words, "--all"]))
    assert codes == [1, 0, 1, 0, 0]


def test_a_decision_in_json_is_the_finding(root, capsys):
    (found,) = json.loads(said(capsys, "beef", "--resolve", "--json"))["findings"]
    assert (found["rule"], found["state"]) == ("network.refused", "resolved")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        pytest.param(["--resolve"], "Which one? Give an id, a fingerprint or a rule", id="none named"),
        pytest.param(["beef", "--note", "x"], "--note is kept with a decision", id="a note alone"),
        pytest.param(["zzz", "--ignore"], "has no finding 'zzz'", id="one that is not there"),
    ],
)
def test_half_a_decision_is_refused(root, capsys, words, text):
    assert main(["errors", *words]) == 2
    assert text in capsys.readouterr().err
    assert not (root / "states.jsonl").exists()


def test_two_decisions_at_once_are_refused(root, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["errors", "beef", "--resolve", "--ignore"])
    assert caught.value.code == 2
