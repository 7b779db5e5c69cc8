"""The suite of faulty and healthy programs: how it reads headers, how it judges, how it counts."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.diagnosis.__main__ import main
from benchmarks.diagnosis.judge import Verdict, judge
from benchmarks.diagnosis.program import PROGRAMS, Program, parse, programs
from benchmarks.diagnosis.running import Result
from benchmarks.diagnosis.scores import document, figures, line, scores, summary

HEADER = """# mypy: ignore-errors
# /// diagnosis
# fault = "units are dead"
# rules = ["activation.dead"]
# words = ["dead|never active", "relu"]
# step = 10
# within = 50
# ///
import torch
"""
DEAD = parse(Path("programs/faulty/dead.py"), HEADER)
FINE = Program(path=Path("programs/healthy/fine.py"))


def finding(**fields):
    return {"rule": "a.b", "severity": "warning", "summary": "Something.", "cause": "", "step": 20, **fields}


def test_a_header_says_what_would_be_right():
    assert (
        Program(
            path=Path("programs/faulty/dead.py"),
            fault="units are dead",
            rules=("activation.dead",),
            words=("dead|never active", "relu"),
            step=10,
            within=50,
        )
        == DEAD
    )
    assert (DEAD.name, DEAD.faulty, FINE.faulty) == ("faulty/dead", True, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("import torch\n", "needs a header", id="no header"),
        pytest.param('# /// diagnosis\n# fault = "x"\n# ///\n', "needs a header", id="nothing would be right"),
        pytest.param(HEADER.replace("words", "world"), "no field of a program is called world", id="misspelled field"),
    ],
)
def test_a_faulty_program_that_cannot_be_judged_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse(Path("programs/faulty/dead.py"), text)


@pytest.mark.parametrize(
    ("seen", "hit", "delay"),
    [
        pytest.param(finding(rule="activation.dead_relu"), True, 10, id="by its rule"),
        pytest.param(finding(summary="ReLU 3 is dead"), True, 10, id="by its words"),
        pytest.param(finding(summary="Units are dead", cause="A ReLU"), True, 10, id="by words of summary and cause"),
        pytest.param(finding(summary="Units are dead"), False, None, id="one of the words is missing"),
        pytest.param(finding(solutions=["a dead ReLU"]), False, None, id="advice is no diagnosis"),
        pytest.param(finding(rule="activation.dead", step=61), False, None, id="too late"),
        pytest.param(finding(rule="activation.dead", step=60), True, 50, id="just in time"),
        pytest.param(finding(rule="activation.dead", step=9), True, 0, id="counted from one"),
        pytest.param(finding(rule="activation.dead", step=8), False, None, id="before there was a fault"),
        pytest.param(finding(rule="activation.dead", step=99, evidence={"step": 12}), True, 2, id="it looks back"),
    ],
)
def test_a_finding_is_right_when_it_means_the_fault_and_names_its_step(seen, hit, delay):
    verdict = judge(DEAD, [seen])

    assert (bool(verdict.hit), verdict.delay) == (hit, delay)


def test_a_finding_without_a_step_is_right_only_for_a_fault_from_the_start():
    seen = {"rule": "activation.dead", "severity": "error"}

    assert not judge(DEAD, [seen]).hit
    assert judge(replace(DEAD, step=0), [seen]).hit


@pytest.mark.parametrize(
    ("program", "severity", "false"),
    [
        (FINE, "info", 0),
        (FINE, "warning", 1),
        (FINE, "critical", 1),
        (DEAD, "warning", 0),
        (DEAD, "error", 1),
        (replace(DEAD, consequences=("a.",)), "error", 0),
    ],
)
def test_alarms_are_counted_from_warnings_in_healthy_programs_and_from_errors_in_faulty_ones(program, severity, false):
    verdict = judge(program, [finding(severity=severity)])

    assert len(verdict.false) == false
    assert len(verdict.other) == 1 - false


def test_a_right_finding_at_the_wrong_step_is_shown_but_is_no_hit():
    verdict = judge(DEAD, [finding(rule="activation.dead", step=500, summary="Dead.", layer="fc1")])

    assert verdict == Verdict(misplaced=("warning activation.dead (step 500, fc1): Dead.",))


def ran(program, **fields):
    return Result(program=program, seed=0, verdict=Verdict(**fields), steps=100, seconds=2.0)


RUNS = [
    ran(DEAD, hit="error activation.dead", delay=4),
    ran(DEAD, hit="error activation.dead", delay=8, false=("error x",)),
    ran(DEAD, other=("info y",)),
    ran(FINE),
    ran(FINE, false=("warning z", "error z")),
    replace(ran(FINE, false=("warning z",)), broken="exit code 1"),
]


def test_recall_precision_and_delay_are_counted_over_the_runs_that_ended():
    assert scores(RUNS) == {
        "faulty": 3,
        "healthy": 2,
        "false_alarms": 3,
        "healthy_with_alarm": 1,
        "broken": 1,
        "seconds": 12.0,
        "recall": 2 / 3,
        "precision": 2 / 5,
        "delay": 6,
    }
    assert {figure.name: round(figure.value, 2) for figure in figures(RUNS)} == {
        "diagnosis.missed": 0.33,
        "diagnosis.false_alarms": 0.5,
        "diagnosis.precision": 0.4,
        "diagnosis.delay": 6,
        "diagnosis.broken": 1,
    }


def test_what_cannot_be_said_is_left_out():
    assert scores([]) == {
        "faulty": 0, "healthy": 0, "false_alarms": 0, "healthy_with_alarm": 0, "broken": 0, "seconds": 0,
    }  # fmt: skip
    assert figures([]) == []


def test_the_table_says_what_is_wrong_with_a_run():
    states = [line(run).split()[0] for run in RUNS]

    assert states == ["ok", "false", "MISS", "ok", "false", "BROKEN"]
    assert line(RUNS[2]).splitlines()[1:] == [
        "         expected: units are dead, step 10 + 50",
        "         also: info y",
    ]
    assert line(RUNS[1]).splitlines()[1:] == ["         false: error x"]
    assert summary(RUNS) == (
        "recall 0.667; precision 0.400; median delay 6 steps; 3 faulty, 2 healthy; "
        "3 false alarms (1 healthy programs); 1 broken; 12 s"
    )


def test_json_leaves_out_what_is_empty():
    assert document(RUNS[3:4]) == {
        "scores": scores(RUNS[3:4]),
        "programs": [{"program": "healthy/fine", "seed": 0, "good": True, "seconds": 2.0, "steps": 100}],
    }


def test_every_program_of_the_suite_has_a_readable_header():
    found = [parse(path, path.read_text(encoding="utf-8")) for path in sorted(PROGRAMS.glob("*/*.py"))]

    assert sum(program.faulty for program in found) >= 48
    assert sum(not program.faulty for program in found) >= 36
    assert 8 <= sum(program.fast for program in found) <= 12


def test_no_program_knows_who_watches_it():
    knowing = [path.name for path in PROGRAMS.glob("*/*.py") if "mldebug" in path.read_text(encoding="utf-8")]

    assert knowing == []


def test_programs_are_chosen_by_a_part_of_their_name(capsys):
    assert main(["--list", "--only", "healthy/converged", "faulty/broadcast_loss"]) == 0
    assert [row.split()[0] for row in capsys.readouterr().out.splitlines()] == [
        "faulty/broadcast_loss",
        "healthy/converged_plateau",
    ]
    with pytest.raises(SystemExit):
        main(["--only", "no such program"])


def test_a_program_that_cannot_run_here_is_left_out(tmp_path):
    (tmp_path / "healthy").mkdir()
    (tmp_path / "healthy" / "a.py").write_text('# /// diagnosis\n# needs = ["no_such_module"]\n# ///\n')
    (tmp_path / "healthy" / "b.py").write_text("pass\n")

    assert [program.name for program in programs(folder=tmp_path)] == ["healthy/b"]
