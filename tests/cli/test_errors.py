"""`otel-mldebug errors`: the list, one in full, JSON, exit codes, and clear answers to bad questions."""

import json
import re
import subprocess
import sys

import pytest

from otel_mldebug.cli import errors, finding_page
from otel_mldebug.cli.main import main
from otel_mldebug.cli.render import Look
from otel_mldebug.store.analysis import analysed
from otel_mldebug.store.queries import Store
from tests.cli.stored import RUN, nan_run
from tests.store.making import finding, occurrence, writer

FROM_RECORD = re.compile(r"\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


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


def test_the_list_says_what_where_and_what_to_try(root, capsys):
    text = out_of(capsys, "errors")

    assert FROM_RECORD.sub("TIME", text).splitlines() == [
        f"Run {RUN} · finished",
        "2 findings, 20 occurrences",
        "",
        "severity  category  what             count  share  ranks  seen                 where",
        "CRITICAL  loss      loss.nonfinite       2   10 %  0-1    TIME  step 90 · head.fc2",
        "  The loss became NaN at step 90.",
        "  → Clip gradients.",
        "",
        "WARNING   network   network.refused     18   90 %  0-1    TIME  train.connect",
        "  Nothing listens on 10.0.0.1:29500.",
        "  → Start the server.",
        "",
        "One in full: otel-mldebug errors a1b2c3d4",
    ]


def test_one_in_full_has_everything_that_is_known(root, capsys):
    text = out_of(capsys, "errors", "beef")

    assert FROM_RECORD.sub("TIME", text).splitlines() == [
        "WARNING  network · network.refused",
        "Nothing listens on 10.0.0.1:29500.",
        "",
        "where      train.connect · rank 0",
        "seen       18 times · 16 of them only counted · TIME · ranks 0-1 · on gpu-0, gpu-1",
        "trend      ▁█           · 12 a minute · 90 % of all",
        "try        1. Start the server.",
        "sure       100 % (by pattern), trying again may help",
        "context    argument.host  10.0.0.1",
        "exception  ConnectionRefusedError: [Errno 111] Connection [31mrefused",
        "stack      > /home/u/train.py:12 in main",
        "                 connect()",
        "             /lib/socket.py:851 in create_connection",
        "caused by  OSError: no route",
        f"trace      {'ab' * 16}",
        f"span       {'cd' * 8}",
        f"id         {12:016x}",
        "group      beefbeefbeefbeef",
        f"run        {RUN}",
    ]


def test_what_no_rule_knows_shows_type_and_message(here, capsys):
    out = writer(here / ".mldebug")
    of = finding("unknown", summary="ValueError: no rule knows this failure.")
    out.finding(occurrence(1, of=of, exception={"type": "my.OddError", "message": "bad\nthing 3"}))
    out.close()
    lines = out_of(capsys, "errors").splitlines()

    assert lines[4].split()[:3] == ["ERROR", "memory", "my.OddError"]
    assert lines[5:7] == ["  ValueError: no rule knows this failure.", "  bad thing 3"]


def test_evidence_is_shown_in_its_units(root, capsys):
    text = out_of(capsys, "errors", "loss.nonfinite")

    assert "evidence   loss        NaN\n" in text
    assert "           free_bytes  6.00 GiB\n" in text
    assert "           waited_s    250 ms\n" in text
    assert "           data_share  50 %\n" in text
    assert "           shape       (3, 4)\n" in text


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("which", [[], ["beef"], ["a1b2"]])
def test_no_line_is_wider_than_the_terminal(root, which, width):
    from otel_mldebug.cli import finding_page, finding_table
    from otel_mldebug.cli.render import Look, columns

    store, look = Store(root), Look(width=width)
    found = store.findings()
    shown = (
        finding_page.lines(errors.find(store, found, which[0]), look)
        if which
        else (finding_table.lines([store.latest()], found, look))
    )

    too_wide = [line for line in shown if columns(line) > width]
    assert too_wide == []


def test_json_is_one_document_with_the_groups(root, capsys):
    document = json.loads(out_of(capsys, "errors", "--json"))

    assert document == {"findings": analysed(Store(root))}
    assert [(f["rule"], f["count"]) for f in document["findings"]] == [("loss.nonfinite", 2), ("network.refused", 18)]


@pytest.mark.parametrize("words", [["--json", "errors"], ["errors", "--json"]])
def test_options_stand_before_or_behind_the_command(root, capsys, words):
    assert len(json.loads(out_of(capsys, *words, "--store", str(root)))["findings"]) == 2


@pytest.mark.parametrize("which", ["beefbeefbeefbeef", "bee", "network.refused", f"{12:016x}"])
def test_one_finding_has_many_names(root, capsys, which):
    (found,) = json.loads(out_of(capsys, "errors", which, "--json"))["findings"]

    assert (found["rule"], found["count"]) == ("network.refused", 18)


def test_an_occurrence_that_is_not_the_first_shows_itself_with_the_counts_of_its_group(root, capsys):
    (found,) = json.loads(out_of(capsys, "errors", f"{1:016x}", "--json"))["findings"]

    assert (found["id"], found["count"], found["ranks"]) == (f"{1:016x}", 2, [0, 1])


def test_a_finding_of_an_older_run_is_found_by_its_fingerprint(root, capsys):
    newer = writer(root, "9999")
    newer.finding(occurrence(99, of=finding("other", "0123")))
    newer.close()

    assert "network.refused" in out_of(capsys, "errors", "beef", "--run", RUN)
    assert "network.refused" in out_of(capsys, "errors", "beef", "--run", "9999")


def test_the_exit_code_tells_of_severity(root, capsys):
    assert [main(["errors", "--fail-on", severity, "--json"]) for severity in ("info", "error", "critical")] == [
        1,
        1,
        1,
    ]
    assert main(["errors", "--json"]) == 0
    assert main(["errors", "beef", "--fail-on", "error"]) == 0
    assert main(["errors", "beef", "--fail-on", "warning"]) == 1


def test_a_run_without_findings_says_what_was_recorded(here, capsys):
    out = writer(here / ".mldebug")
    out.watched({"torch": "2.15.0"})
    out.counted("x", 1)
    out.close()

    assert out_of(capsys, "errors", "--fail-on", "debug").splitlines() == [
        "Run run · finished",
        "",
        "No findings.",
        "1 process recorded. The steps: otel-mldebug training",
    ]
    assert json.loads(out_of(capsys, "errors", "--json")) == {"findings": []}


def test_since_looks_back_from_now(root, capsys):
    assert json.loads(out_of(capsys, "errors", "--since", "5s", "--json")) == {"findings": []}
    assert "No findings since 5s ago." in out_of(capsys, "errors", "--since", "5s")
    assert len(json.loads(out_of(capsys, "errors", "--since", "2026-11-18T11:07:00Z", "--json"))["findings"]) == 1
    assert len(json.loads(out_of(capsys, "errors", "--since", "36500d", "--json"))["findings"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--since", "soon"], "--since 'soon' is not usable: expected 90s, 10m, 2h, 3d", id="since"),
        pytest.param(["--run", "nope"], "has no run 'nope'. It has: " + RUN, id="run"),
        pytest.param(["zzz"], "has no finding 'zzz': expected an id, a fingerprint or a rule.", id="finding"),
        pytest.param(["--store", "nowhere"], "The store nowhere does not exist. Record one with:", id="store"),
    ],
)
def test_a_bad_question_gets_one_clear_line(root, capsys, words, said):
    assert said in refused(capsys, "errors", *words)


def test_an_unknown_severity_is_refused_with_those_that_exist(root, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["errors", "--fail-on", "bad"])

    assert caught.value.code == 2
    assert "'debug', 'info', 'warning', 'error', 'critical'" in capsys.readouterr().err


def test_a_prefix_that_fits_several_names_them(root, capsys):
    out = writer(root, RUN)
    out.finding(occurrence(50, of=finding("other", "beef0000beef0000")))
    out.close()

    assert "'beef' fits 2 findings: " in refused(capsys, "errors", "beef")


def test_neither_help_nor_json_imports_what_is_slow(root):
    code = (
        "import sys; from otel_mldebug.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    for words in (["errors", "--json"], ["errors", "--help"], ["errors"], ["training", "--json"], ["training"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
        assert {"rich", "torch", "opentelemetry", "psutil"} & set(done.stderr.split()) == set()


def test_colours_are_for_terminals_only(root, mldebug):
    assert "\x1b" not in mldebug("errors").stdout
    assert "\x1b" not in mldebug("errors", "beef").stdout


def test_a_terminal_that_knows_only_ascii_gets_ascii(root, mldebug):
    done = mldebug("errors", environ={"PYTHONIOENCODING": "ascii"})

    assert (done.returncode, done.stderr) == (0, "")
    assert "  -> Clip gradients.\n" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes that break")
def test_a_reader_that_leaves_early_is_no_error(here):
    out = writer(here / ".mldebug")
    for number in range(3000):
        out.finding(occurrence(number, of=finding(fingerprint=f"{number:016x}", summary="x" * 90)))
    out.close()
    words = [sys.executable, "-m", "otel_mldebug", "errors", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        said = process.stderr.read()

    assert (said, process.returncode) == (b"", 0)


def test_the_store_is_found_through_the_environment(root, mldebug, tmp_path):
    done = mldebug("errors", "--json", environ={"OTEL_MLDEBUG_STORE": str(root)}, input=None)

    assert len(json.loads(done.stdout)["findings"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == [".mldebug"]


def test_a_value_of_several_lines_keeps_them():
    seen = "2026-11-21T14:30:05.000000Z"
    known = {"severity": "critical", "category": "training", "rule": "training.hang", "summary": "It hangs."}
    stacks = 'thread main:\n  File "train.py", line 3, in step\n\tgo()\n'
    found = {**known, "count": 1, "first_seen": seen, "last_seen": seen, "context": {"stacks": stacks, "host": "a"}}

    page = finding_page.lines(found, Look(width=40))
    assert page[-5:] == [
        "context    stacks",
        "             thread main:",
        '               File "train.py", line 3,…',
        "                 go()",
        "           host    a",
    ]
