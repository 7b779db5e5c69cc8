"""`otel-mldebug training`: the page, JSON, exit codes, and clear answers to bad questions."""

import json
import math
import re

import pytest

from otel_mldebug.cli import training_page
from otel_mldebug.cli.main import main
from otel_mldebug.cli.render import Look, columns
from otel_mldebug.store.layout import write_json
from otel_mldebug.store.queries import Store
from tests.cli.stored import RUN, nan_run
from tests.store.making import START, finding, occurrence, step, writer

BEGAN = re.compile(r"began [\d: -]+")


@pytest.fixture
def root(here):
    return nan_run(here / ".mldebug")


def out_of(capsys, *words, code=0):
    assert main([*words]) == code
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def refused(capsys, *words):
    assert main([*words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.strip()


def test_the_page_shows_phases_curves_findings_and_ranks(root, capsys):
    text = BEGAN.sub("began TIME", out_of(capsys, "training"))

    assert text.splitlines() == [
        f"Run {RUN} · finished · began TIME, took 1 min 30 s",
        "100 steps · ranks 0-1 · PyTorch 2.15.0 · SGD · 203,530 parameters",
        "",
        "phase                                               seconds  share, mean of 2 processes",
        "data           █████████████▊                        600 ms   43 %    waiting for the next batch",
        "forward        ████▋                                 200 ms   14 %    forward pass and loss",
        "backward       ██████▉                               300 ms   21 %    backward pass",
        "optimizer      ██▎                                   100 ms    7 %    optimizer step",
        "other          ████▋                                 200 ms   14 %    all else between two steps",
        "",
        "loss           ████▇▇▇▇▆▆▆▅▅▅▅▄▄▄▄▃▃▃▂▂▂▂▁▁▁▁✗✗✗✗                2 → NaN, lowest 1.11 at 89",
        "gradient norm  ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅                1 throughout",
        "learning rate  ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅                0.1 throughout",
        "step time      ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅                mean 14.0 ms, longest 16.0 ms at 0",
        "findings                                     1",
        "step           0                               99",
        "first bad step 90 (rank 0) · first in head.fc2",
        "",
        "1  CRITICAL  loss.nonfinite   step 90  The loss became NaN at step 90.",
        "2  WARNING   network.refused           Nothing listens on 10.0.0.1:29500.",
        "One in full: otel-mldebug errors RULE",
        "",
        "rank  steps  step time     data  forward  backward  optimizer    other  last loss  first bad",
        "0       100    12.0 ms  4.00 ms  2.00 ms   3.00 ms    1.00 ms  2.00 ms        NaN         90",
        "1       100    16.0 ms  8.00 ms  2.00 ms   3.00 ms    1.00 ms  2.00 ms        NaN         90",
    ]


def curve_line(capsys, name, *words):
    (line,) = (line for line in out_of(capsys, "training", *words).splitlines() if line.startswith(name))
    return line


def test_a_curve_that_was_taken_at_some_steps_only_has_no_gaps(here, capsys):
    out = writer(here / ".mldebug")
    for n in range(40):
        out.step(step(n, gradient_norm=float(n) if n % 10 == 5 else None))
    out.close()

    assert curve_line(capsys, "gradient norm") == (
        "gradient norm       ▁▁▁▁▁▁▁▁▁▁▃▃▃▃▃▃▃▃▃▃▆▆▆▆▆▆▆▆▆▆█              5 → 35"
    )


def test_one_slow_step_does_not_flatten_the_others(here, capsys):
    out = writer(here / ".mldebug")
    for n in range(40):
        out.step(step(n, duration_s=60.0 if n == 0 else 0.010 if n < 20 else 0.020))
    out.close()

    assert curve_line(capsys, "step time")[15:60].startswith("█" + "▁" * 19 + "▂" * 20)


def test_a_long_run_fits_on_the_page(here, capsys):
    out = writer(here / ".mldebug")
    for n in range(5000):
        out.step(step(n, loss=math.inf if n == 2500 else float(n)))
    out.finding(occurrence(1, step=2500))
    out.close()
    lines = out_of(capsys, "training").splitlines()

    loss, marks = (next(line for line in lines if line.startswith(name)) for name in ("loss", "findings"))
    assert loss.index("✗") == marks.index("1")
    assert max(map(columns, lines)) <= 100
    assert "first bad step 2,500" in lines


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_terminal(root, width, unicode):
    shown = training_page.lines(Store(root).summary(), Look(width=width, unicode=unicode))

    table = next(n for n, line in enumerate(shown) if line.startswith("rank "))
    assert [line for line in shown if columns(line) > width] == []
    assert len(shown[table:]) == 3
    assert unicode or all(line.replace("µ", "u").isascii() for line in shown)


def test_only_the_slowest_of_many_ranks_are_listed(here, capsys):
    for rank in range(20):
        out = writer(here / ".mldebug", rank=rank)
        out.step(step(0, duration_s=1.0 if rank == 19 else 0.5 + rank / 100))
        out.close()
    lines = out_of(capsys, "training").splitlines()

    assert [line.split()[0] for line in lines[-17:-1]] == [str(rank) for rank in range(4, 20)]
    assert lines[-1] == "the slowest 16 of 20; all of them: --json"


def test_json_is_one_document_in_the_contracts_words(root, capsys):
    document = json.loads(out_of(capsys, "training", "--json"))

    assert document == Store(root).training()
    assert list(document)[:5] == ["run_id", "status", "steps_seen", "ranks", "phases"]
    assert document["steps"][181] == {
        "step": 90,
        "rank": 1,
        "duration_s": 0.016,
        "data_s": 0.008,
        "forward_s": 0.002,
        "backward_s": 0.003,
        "optimizer_s": 0.001,
        "loss": "NaN",
        "gradient_norm": 1.0,
        "learning_rate": 0.1,
    }


def test_json_of_a_run_without_steps_is_whole(here, capsys):
    out = writer(here / ".mldebug")
    out.finding(occurrence(1))
    out.close()

    assert json.loads(out_of(capsys, "training", "--json")) == Store(here / ".mldebug").training()


def test_some_steps_are_shown_alone(root, capsys):
    document = json.loads(out_of(capsys, "training", "--json", "--steps", "88:90"))

    assert (document["steps_seen"], sorted({s["step"] for s in document["steps"]})) == (100, [88, 89, 90])
    assert "step           88" in out_of(capsys, "training", "--steps", "88:90")
    assert "No training step was recorded from step 200 on." in out_of(capsys, "training", "--steps", "200:")


@pytest.mark.parametrize("words", [[RUN], ["--run", RUN], ["2026-11"], []])
def test_a_run_is_named_in_either_way(root, capsys, words):
    assert json.loads(out_of(capsys, "training", "--json", *words))["run_id"] == RUN


def test_a_run_that_was_killed_says_so(root, capsys):
    write_json(root / RUN / "run.json", {"run_id": RUN, "started": START, "exit_code": 137, "signal": "SIGKILL"})

    assert out_of(capsys, "training").splitlines()[0].startswith(f"Run {RUN} · killed by SIGKILL · began ")
    assert json.loads(out_of(capsys, "training", "--json"))["status"] == "killed"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "PyTorch was not watched in any of its processes. See: otel-mldebug doctor"),
        ({"torch": "2.15.0"}, "PyTorch was watched, and no optimizer made a step."),
    ],
)
def test_a_run_without_steps_says_why(here, capsys, facts, said):
    out = writer(here / ".mldebug")
    out.watched(facts)
    out.finding(occurrence(1))
    out.close()
    lines = out_of(capsys, "training").splitlines()

    assert lines[3:5] == ["No training step was recorded.", said]
    assert "cuda.oom" in lines[5]


def test_a_run_of_which_nothing_recorded_says_why(here, capsys):
    (here / ".mldebug" / "quiet").mkdir(parents=True)
    write_json(here / ".mldebug" / "quiet" / "run.json", {"run_id": "quiet", "started": START, "exit_code": 0})

    assert "No process of the run has recorded anything: did it import PyTorch?" in out_of(capsys, "training")


def test_steps_that_were_only_counted_and_damaged_lines_are_told(here, capsys):
    out = writer(here / ".mldebug")
    out.step(step(500))
    out.close()
    with (out.directory / "steps.jsonl").open("ab") as file:
        file.write(b"rubbish\n")
    lines = out_of(capsys, "training").splitlines()

    assert lines[2:4] == ["1 of them recorded one by one, 500 only counted", "1 damaged lines were left out"]


def test_steps_that_the_store_had_no_room_for_are_told_from_those_that_were_only_counted(here, capsys):
    out = writer(here / ".mldebug")
    out.step(step(500))
    out.close()
    page = json.loads((out.directory / "process.json").read_text())
    write_json(out.directory / "process.json", {**page, "dropped": {"steps": 400, "traces": 7}})
    lines = out_of(capsys, "training").splitlines()

    assert lines[2:4] == ["400 steps are not in the store any more: it was full", "100 only counted"]


def test_the_exit_code_tells_of_severity(root, capsys):
    assert main(["training", "--fail-on", "critical"]) == 1
    assert main(["training", "--json", "--fail-on", "warning"]) == 1
    assert main(["training"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--steps", "many"], "--steps 'many' is not usable: expected 100:200", id="steps"),
        pytest.param(["--steps", "9:5"], "it ends before it begins", id="an empty range"),
        pytest.param(["nope"], "has no run 'nope'. It has: " + RUN, id="run"),
        pytest.param(["a", "--run", "b"], "Two runs were given, 'a' and 'b': give one.", id="two runs"),
        pytest.param(["--store", "nowhere"], "does not exist. Record one with: otel-mldebug run train.py", id="store"),
    ],
)
def test_a_bad_question_gets_one_clear_line(root, capsys, words, said):
    assert said in refused(capsys, "training", *words)


def test_findings_beyond_the_marks_are_listed_without_one(here, capsys):
    out = writer(here / ".mldebug")
    out.step(step(0))
    for number in range(40):
        out.finding(occurrence(number, of=finding(f"rule.{number}", f"{number:016x}"), step=0))
    out.close()
    lines = out_of(capsys, "training").splitlines()

    assert sum("rule." in line for line in lines) == 40
    assert curve_line(capsys, "findings") == "findings       1"


def test_what_several_optimizers_minimise_is_drawn_apart(here, capsys):
    out = writer(here / ".mldebug")
    for n in range(40):
        critic = n % 2
        name, loss = ("Adam#2", 50.0 + n) if critic else ("Adam", 40.0 - n)
        out.step(step(n, optimizer=name, loss=loss, gradient_norm=1.0 + critic))
    out.close()

    lines = out_of(capsys, "training").splitlines()
    drawn = [line for line in lines if line.startswith(("loss", "norm", "gradient"))]
    assert [(line[:15].strip(), line.split("  ")[-1].strip()) for line in drawn] == [
        ("loss Adam", "40 → 2"),
        ("loss Adam#2", "51 → 89"),
        ("norm Adam", "1 throughout"),
        ("norm Adam#2", "2 throughout"),
    ]


def test_of_phases_that_do_not_fit_beside_each_other_the_shortest_are_left_out(here, capsys):
    parts = {"data_s": 0.1, "forward_s": 0.4, "copy_s": 0.02, "loss_s": 0.1, "backward_s": 0.4, "sync_s": 0.3}
    for rank in (0, 1):
        out = writer(here / ".mldebug", RUN, rank=rank)
        for n in range(1234):
            out.step(step(n, duration_s=1.0, optimizer_s=0.01, loss=0.123456, **parts))
        out.close()

    lines = out_of(capsys, "training").splitlines()
    assert [" ".join(line.split()) for line in lines[-3:]] == [
        "rank steps step time data forward loss backward sync other last loss first bad",
        "0 1,234 1.00 s 100 ms 280 ms 100 ms 100 ms 300 ms 90.0 ms 0.1235",
        "1 1,234 1.00 s 100 ms 280 ms 100 ms 100 ms 300 ms 90.0 ms 0.1235",
    ]
    assert max(map(len, lines)) <= 100
