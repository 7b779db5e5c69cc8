"""`otel-mldebug explain`: messages, tracebacks, logs and JSON lines in; findings out."""

import gzip
import json

import pytest

TRACEBACK = """\
2024-01-02 10:00:00,1 INFO start
Traceback (most recent call last):
  File "/app/train.py", line 10, in main
    loss.backward()
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.
"""
LOG = (
    TRACEBACK
    + "".join(
        f"[rank{rank}]: {line}\n"
        for line in (
            "Traceback (most recent call last):",
            '  File "/app/data.py", line 7, in load',
            "ModuleNotFoundError: No module named 'flash_attn'",
        )
        for rank in range(3)
    )
    + "2024-01-02 10:00:09,1 INFO end\n"
)


def rules(run):
    assert (run.returncode, run.stderr) == (0, "")
    return [finding["rule"] for finding in json.loads(run.stdout)["findings"]]


def test_a_message_is_one_finding(mldebug):
    run = mldebug("explain", "--json", "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB")
    (finding,) = json.loads(run.stdout)["findings"]
    assert (finding["rule"], finding["category"], finding["severity"]) == ("cuda.oom", "memory", "critical")
    assert finding["evidence"] == {"requested_bytes": 2 * 2**30}
    assert (run.returncode, run.stderr) == (0, "")


def test_words_without_quotes_are_one_message(mldebug):
    assert rules(mldebug("explain", "--json", "CUDA", "out", "of", "memory")) == ["cuda.oom"]


def test_a_log_gives_each_distinct_failure_once_most_severe_first(mldebug, here):
    (here / "train.log").write_text(LOG)
    findings = json.loads(mldebug("explain", "train.log", "--json").stdout)["findings"]
    assert [(f["rule"], f["count"], f.get("ranks"), f["line"]) for f in findings] == [
        ("cuda.oom", 1, None, 2),
        ("module.missing", 3, [0, 1, 2], 6),
    ]
    assert findings[0]["exception"]["frames"] == [
        {"file": "/app/train.py", "function": "main", "line": 10, "in_app": True, "code": "loss.backward()"}
    ]


@pytest.mark.parametrize("words", [["-"], []])
def test_stdin_is_read(mldebug, words):
    assert rules(mldebug("explain", "--json", *words, input=LOG)) == ["cuda.oom", "module.missing"]


def test_gzip_and_utf16_files_are_read(mldebug, here):
    (here / "a.gz").write_bytes(gzip.compress(LOG.encode()))
    (here / "b.txt").write_bytes(LOG.encode("utf-16"))
    assert rules(mldebug("explain", "--json", "a.gz")) == ["cuda.oom", "module.missing"]
    assert rules(mldebug("explain", "--json", "b.txt")) == ["cuda.oom", "module.missing"]


@pytest.mark.parametrize(
    "given", ["train.log", "/nowhere/slurm-12.out", "./run", "~/missing/errors.jsonl", "C:\\runs\\a.txt"]
)
def test_what_can_only_be_a_path_has_to_be_a_file(mldebug, given):
    run = mldebug("explain", "--json", given)
    assert (run.returncode, run.stdout) == (2, "")
    expected = f"there is no file {given}: correct the path, or pipe the text in if it is one."
    assert run.stderr == f"otel-mldebug explain: {expected}\n"


@pytest.mark.parametrize("given", ["KeyError:'a.log'", "torch.cuda.OutOfMemoryError", "N/A", "Killed"])
def test_one_word_that_is_no_path_is_a_message(mldebug, given):
    run = mldebug("explain", "--json", given)
    assert (run.returncode, run.stderr) == (0, "")


def test_the_log_of_a_container_is_read_through_its_json(mldebug, here):
    lines = [{"log": f"{line}\n", "stream": "stderr", "time": "2024-01-02T10:00:00Z"} for line in LOG.splitlines()]
    (here / "container.log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    findings = json.loads(mldebug("explain", "container.log", "--json").stdout)["findings"]
    assert [(f["rule"], f["count"], f["line"], len(f["exception"]["frames"])) for f in findings] == [
        ("cuda.oom", 1, 2, 1),
        ("module.missing", 3, 6, 1),
    ]


def test_records_of_a_program_are_read_through_the_lines_of_its_container(mldebug, here):
    record = json.dumps({"asctime": "x", "levelname": "ERROR", "message": "failed", "exc_info": TRACEBACK})
    (here / "one.json").write_text(record)
    (here / "pod.log").write_text(f"2026-11-22T04:00:00.123456789Z stderr F {record}\n")
    (here / "compose.log").write_text(f"trainer-1  | {record}\n")
    for name in ("one.json", "pod.log", "compose.log"):
        assert rules(mldebug("explain", "--json", name)) == ["cuda.oom"]


def test_json_lines_give_one_finding_a_line_in_order(mldebug):
    lines = [
        {"message": "No module named 'x'", "type": "ModuleNotFoundError"},
        {"message": "nothing that anybody knows"},
        {"message": "outer", "type": "E", "cause": {"message": "CUDA out of memory"}},
        {"message": "RuntimeError: CUDA out of memory"},
        {"message": "two", "group": [{"message": "Connection refused", "type": "ConnectionRefusedError"}]},
    ]
    text = "\n".join([*map(json.dumps, lines[:2]), "no braces", "", *map(json.dumps, lines[2:])])
    run = mldebug("explain", "--json", "-", input=text + "\n")
    assert [json.loads(line)["rule"] for line in run.stdout.splitlines()] == [
        "module.missing",
        "unknown",
        "unknown",
        "cuda.oom",
        "cuda.oom",
        "connection.refused",
    ]


def test_an_error_file_of_torchelastic_is_read(mldebug, here):
    stack = LOG.partition("\n")[2].partition("[rank0]")[0]
    document = {"message": {"message": "OutOfMemoryError", "extraInfo": {"py_callstack": stack}}}
    (here / "error.json").write_text(json.dumps(document, indent=1))
    (here / "line.json").write_text(json.dumps(document))
    assert rules(mldebug("explain", "--json", "error.json")) == ["cuda.oom"]
    assert json.loads(mldebug("explain", "--json", "line.json").stdout)["rule"] == "cuda.oom"


def test_a_launcher_that_only_reports_a_failure_is_left_out_beside_it(mldebug):
    summary = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n====\ntrain.py FAILED\n====\n"
    head = 'Traceback (most recent call last):\n  File "/usr/bin/torchrun", line 8, in <module>\n'
    assert rules(mldebug("explain", "--json", "-", input=TRACEBACK + head + summary)) == ["cuda.oom"]


@pytest.mark.parametrize(
    ("limit", "code"),
    [("critical", 1), ("warning", 1), (None, 0)],
)
def test_fail_on_sets_the_exit_code(mldebug, limit, code):
    words = ["--fail-on", limit] if limit else []
    assert mldebug("explain", *words, "CUDA out of memory").returncode == code
    assert mldebug("explain", "--fail-on", "critical", "No module named 'x'").returncode == 0


def test_the_page_says_what_why_and_what_to_try(mldebug, here):
    (here / "train.log").write_text(LOG)
    page = mldebug("explain", "train.log").stdout
    for part in ("CRITICAL  memory", "cuda.oom", "cause    ", "try      1. ", "code     /app/train.py:10 in main"):
        assert part in page
    assert "\x1b" not in page


def test_a_log_without_failures_says_so(mldebug, here):
    (here / "good.log").write_text("2024-01-02 10:00:00 INFO fine\n" * 100)
    assert mldebug("explain", "good.log").stdout == "No failure found in good.log.\n"
    assert json.loads(mldebug("explain", "good.log", "--json").stdout) == {"findings": []}


def test_secrets_are_not_printed(mldebug):
    token = "hf_" + "aB3" * 12
    text = f"OSError: 401 Client Error for token {token}"
    assert token not in mldebug("explain", text).stdout
    assert token not in mldebug("explain", "--json", text).stdout


def test_patterns_of_the_user_are_used(mldebug, here):
    (here / "p.toml").write_text(
        '[[pattern]]\nid = "acme.full"\ncategory = "inference"\nsummary = "Full."\nsolutions = ["Wait."]\n'
        "match = [{ message = 'queue full' }]\n"
    )
    assert rules(mldebug("explain", "--json", "--patterns", "p.toml", "the queue full")) == ["acme.full"]
    environ = {"OTEL_MLDEBUG_PATTERNS": "p.toml"}
    assert rules(mldebug("explain", "--json", "the queue full", environ=environ)) == ["acme.full"]


def test_a_broken_pattern_file_is_named(mldebug, here):
    (here / "p.toml").write_text('[[pattern]]\nid = "acme.full"\n')
    run = mldebug("explain", "--patterns", "p.toml", "x")
    assert run.returncode == 2
    assert run.stderr.startswith("otel-mldebug explain: p.toml: pattern 1 (acme.full): match=None is not usable")


def test_a_directory_is_refused(mldebug, here):
    run = mldebug("explain", ".")
    assert (run.returncode, run.stdout) == (2, "")
    assert "cannot be read" in run.stderr


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 10_000_000, id="10 MB on one line"),
        pytest.param("(" * 100_000 + "\n" + "a b " * 100_000, id="bait"),
        pytest.param('{"message": ' + "[" * 100_000, id="JSON that is too deep"),
        pytest.param('{"message": "\\ud800 \\u0000"}', id="a lone surrogate and NUL"),
        pytest.param("\x1b[31mTraceback (most recent call last):\x1b[0m\n" * 1000, id="heads only"),
        pytest.param("Traceback (most recent call last):\n" + '  File "a", line 1, in f\n' * 200_000, id="frames only"),
    ],
)
def test_hostile_text_is_survived(mldebug, text):
    run = mldebug("explain", "--json", "-", input=text)
    assert (run.returncode, run.stderr) == (0, "")
    json.loads(run.stdout)
