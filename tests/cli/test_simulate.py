"""`otel-mldebug simulate`: what was asked for really goes wrong, and is found under its category."""

import json

import pytest

from otel_mldebug.cli.main import main
from otel_mldebug.demo import failures, simulate
from otel_mldebug.demo.failures import FAILURES
from otel_mldebug.rules.capture import facts_of
from otel_mldebug.rules.explain import explain
from otel_mldebug.semconv.names import Category
from otel_mldebug.testing import Telemetry


def test_there_is_one_for_each_category():
    assert [failure.category for failure in FAILURES] == list(Category)


@pytest.mark.parametrize(
    "failure", [f for f in FAILURES if f.imitate is not None], ids=lambda failure: str(failure.category)
)
def test_an_imitation_is_found_under_the_same_category(failure, monkeypatch):
    monkeypatch.setattr(failures, "find_spec", lambda _: None)
    with pytest.raises(Exception) as caught:  # noqa: PT011  (any kind)
        failure.run()
    assert not failure.real
    assert explain(facts_of(caught.value)).category is failure.category


@pytest.mark.parametrize(
    "failure", [f for f in FAILURES if f.imitate is None], ids=lambda failure: str(failure.category)
)
def test_what_needs_nothing_really_fails_without_pytorch(failure, monkeypatch):
    monkeypatch.setattr(failures, "find_spec", lambda _: None)
    with pytest.raises(Exception) as caught:  # noqa: PT011  (any kind)
        failure.run()
    assert failure.real
    assert explain(facts_of(caught.value)).category is failure.category


@pytest.mark.parametrize(
    "failure", [f for f in FAILURES if f.imitate is not None and f.raises], ids=lambda failure: str(failure.category)
)
def test_what_needs_a_package_really_fails_with_it(failure):
    for name in failure.needs:
        pytest.importorskip(name)
    with pytest.raises(Exception) as caught:  # noqa: PT011  (any kind)
        failure.run()
    assert explain(facts_of(caught.value)).category is failure.category


def test_each_time_is_counted_and_marked_as_simulated():
    (failure,) = [f for f in FAILURES if f.category is Category.NETWORK]
    with Telemetry() as telemetry:
        assert simulate.provoke(failure, 3) == 3
    assert [occurrence.context["simulated"] for occurrence in telemetry.findings] == ["network"] * 3


def test_what_does_not_go_wrong_is_not_counted():
    works = failures.Failure(category=Category.DATA, what="works", fail=lambda: None)
    with Telemetry() as telemetry:
        assert simulate.provoke(works, 2) == 0
    assert telemetry.findings == []


def test_it_takes_the_way_of_any_failure(mldebug, here):
    done = mldebug("simulate", "network", "Timeout", "--count", "2", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    rows = [(row["category"], row["real"], row["rule"], row["count"]) for row in document["simulated"]]
    assert rows == [("network", True, "connection.refused", 2), ("timeout", True, "timeout.exceeded", 2)]
    assert {finding["session_id"] for finding in document["findings"]} == {"simulation"}
    assert {finding["run_id"] for finding in document["findings"]} == {document["run_id"]}


@pytest.mark.torch
def test_a_training_that_goes_wrong_is_found_by_its_detectors(mldebug):
    pytest.importorskip("torch")
    done = mldebug("simulate", "gradient", "loss", "--json")
    rows = json.loads(done.stdout)["simulated"]
    assert [(row["category"], row["rule"]) for row in rows] == [
        ("gradient", "gradient.nonfinite"),
        ("loss", "loss.nonfinite"),
    ]


def test_the_verdict_and_a_table_are_for_people(mldebug):
    done = mldebug("simulate", "data")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "data: opens an archive that is none",
        "data              real      error archive.damaged × 1",
    ]
    assert "archive.damaged" in done.stderr


def test_what_is_not_found_is_said_and_fails(mldebug):
    done = mldebug("simulate", "data", environ={"OTEL_MLDEBUG_DISABLED": "1"})
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "data              real      not found"


def test_the_list_says_what_is_imitated(here, capsys, monkeypatch):
    monkeypatch.setattr(failures, "find_spec", lambda _: None)
    assert main(["simulate", "--list"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == len(FAILURES)
    assert rows[0] == "memory            allocates a petabyte, which is refused at once (real)"
    assert rows[1].endswith("(imitated: torch is not installed)")
    assert main(["simulate", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["simulations"]
    assert [row["real"] for row in listed] == [not failure.needs for failure in FAILURES]
    assert listed[1]["missing"] == ["torch"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        pytest.param([], "What shall go wrong?", id="nothing"),
        pytest.param(["nonsense"], "There is no category 'nonsense'. There are: memory, gradient,", id="no category"),
    ],
)
def test_a_bad_question_gets_one_clear_line(here, capsys, words, text):
    assert main(["simulate", *words]) == 2
    assert text in capsys.readouterr().err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("count", ["0", "-1", "x", "10001"])
def test_a_bad_count_is_refused(here, capsys, count):
    with pytest.raises(SystemExit) as caught:
        main(["simulate", "data", "--count", count])
    assert caught.value.code == 2
    assert "expected a whole number from 1 to 10000" in capsys.readouterr().err or count == "-1"
