"""`otel-mldebug report`: the page, the document, the file, clear answers to bad questions."""

import json

import pytest

from otel_mldebug.cli.main import main
from tests.cli.stored import RUN, nan_run


@pytest.fixture
def root(here):
    return nan_run(here / ".mldebug")


def test_the_page_gives_verdict_and_advice(root, capsys):
    assert main(["report"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Run {RUN} · finished · took 1 min 30 s · 100 steps",
        "",
        "CRITICAL  loss.nonfinite",
        "The loss became NaN at step 90.",
        "The learning rate is too high.",
        "",
        "What to do",
        " 1. Clip gradients.",
        "    because: The loss became NaN at step 90.",
        " 2. Lower the learning rate.",
        " 3. Start the server.",
        "    because: Nothing listens on 10.0.0.1:29500.",
        " 4. Load batches in parallel: DataLoader(num_workers=…, persistent_workers=True).",
        "    because: 43% of the step time was waiting for data.",
        "",
        "all of it: otel-mldebug report --json",
    ]


def test_the_document_is_the_same_on_stdout_and_in_a_file(root, here, capsys):
    assert main(["report", RUN[:10], "--json", "--output", "report.json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert json.loads((here / "report.json").read_text()) == document
    assert [*document] == [
        "version", "otel_mldebug", "run", "verdict", "recommendations", "findings", "training", "processes",
    ]  # fmt: skip


def test_the_exit_code_tells_of_severity(root, capsys):
    assert main(["report", "--fail-on", "critical"]) == 1
    assert main(["report", "--json", "--fail-on", "critical"]) == 1


def test_a_file_that_cannot_be_written_is_named(root, capsys):
    assert main(["report", "-o", "missing/report.json"]) == 2
    assert capsys.readouterr().err == (
        "otel-mldebug report: --output 'missing/report.json' cannot be written: No such file or directory.\n"
    )
