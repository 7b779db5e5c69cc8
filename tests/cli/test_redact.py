"""`otel-mldebug redact`, in the process and as one."""

import io
import json
import subprocess
import sys

import pytest

from otel_mldebug.cli import redact
from otel_mldebug.cli.main import main

LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
KEY = "-----BEGIN PRIVATE KEY-----\n" + LINE * 3 + "-----END PRIVATE KEY-----\n"


@pytest.fixture
def run(monkeypatch, capfdbinary):
    def call(*words, stdin=b""):
        fake = io.TextIOWrapper(io.BytesIO(stdin))
        monkeypatch.setattr(sys, "stdin", fake)
        code = main(["redact", *map(str, words)])
        captured = capfdbinary.readouterr()
        return code, captured.out, captured.err.decode()

    return call


def test_a_file(run, tmp_path):
    log = tmp_path / "train.log"
    log.write_text("a\npassword=hunter2 b\n")

    assert run(log) == (0, b"a\npassword=[redacted:password] b\n", "")


@pytest.mark.parametrize("words", [[], ["-"]])
def test_standard_input(run, words):
    assert run(*words, stdin=b"password=hunter2") == (0, b"password=[redacted:password]", "")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"a\r\nb\rc",
        b"no line end",
        b"\xff\xfe\x00 bytes\n",
        "é ü \u2028 x\n".encode(),
        b"\x1b[31mred\x1b[0m\n",
    ],
)
def test_bytes_without_secrets_come_out_as_they_went_in(run, text):
    assert run(stdin=text) == (0, text, "")


def test_a_key_of_many_lines_goes_as_a_whole(run):
    text = f"before\n{KEY}after\n".encode()

    assert run(stdin=text) == (0, b"before\n[redacted:private-key]\nafter\n", "")


def test_counts_by_kind_go_to_stderr(run):
    text = b"password=hunter2 bob@example.com amy@example.com"

    assert run("--stats", stdin=text)[2] == "3 replaced: 2 email, 1 password\n"
    assert run("--stats", stdin=b"x")[2] == "nothing replaced\n"


def test_json_values_one_a_line_in_order(run):
    values = [{"api_key": "x", "pad_token_id": 0}, "password=hunter2", [1, None, True, "é\ud800"], 2.5, {}]
    lines = "\n".join(map(json.dumps, values)).encode() + b"\n\n"
    code, out, err = run("--json", stdin=lines)

    assert (code, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"api_key": "[redacted:api-key]", "pad_token_id": 0},
        "password=[redacted:password]",
        [1, None, True, "é\ud800"],
        2.5,
        {},
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [(b"nope", "Expecting value: line 1 column 1 (char 0)"), (b"[" * 100_000, "nested too deeply")],
)
def test_a_line_that_is_no_json_is_named(run, line, reason):
    assert run("--json", stdin=b'{"password": "x"}\n' + line + b"\n") == (
        2,
        b'{"password": "[redacted:password]"}\n',
        f"otel-mldebug redact: line 2 is no JSON value ({reason}). Give one a line, or leave --json out.\n",
    )


def test_a_file_that_is_not_there(run, tmp_path):
    missing = tmp_path / "none.log"

    assert run(missing) == (
        2,
        b"",
        f"otel-mldebug redact: cannot read '{missing}' (No such file or directory): give a file, or - for stdin.\n",
    )


def test_additions_and_exemptions(run):
    words = ["--pattern", "ticket=TCK-[0-9]+", "--key", "room", "--keep-key", "hf_token", "--keep", "@example.com$"]
    text = b"TCK-12 room=b7 HF_TOKEN=abc123 bob@example.com amy@example.org\n"

    assert run(*words, stdin=text)[1] == (
        b"[redacted:ticket] room=[redacted:configured-key] HF_TOKEN=abc123 bob@example.com [redacted:email]\n"
    )


def test_settings_hold_and_options_add_to_them(run, monkeypatch):
    monkeypatch.setenv("OTEL_MLDEBUG_REDACT", "false")
    monkeypatch.setenv("OTEL_MLDEBUG_REDACT_PATTERNS", "ticket=TCK-[0-9]+")
    monkeypatch.setenv("OTEL_MLDEBUG_REDACT_KEYS", "room, badge")
    monkeypatch.setenv("OTEL_MLDEBUG_EXPOSURE", "short")
    text = b"TCK-12 room=b7 desk=d1 password=hunter2 /home/alice/x\n"

    assert run("--key", "desk", stdin=text)[1] == (
        b"[redacted:ticket] room=[redacted:configured-key] desk=[redacted:configured-key] "
        b"password=[redacted:password] ~/x\n"
    )


def test_a_setting_that_cannot_be_used(run, monkeypatch):
    monkeypatch.setenv("OTEL_MLDEBUG_REDACT_KEYS", "room, -")

    assert run() == (
        2,
        b"",
        "otel-mldebug redact: redact_keys (environment OTEL_MLDEBUG_REDACT_KEYS): redaction key='-' is not usable: "
        "expected the name of a key, with at least one letter.\n",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pattern", "x"], "--pattern 'x' is not usable: expected KIND=REGEX, such as ticket=TCK-[0-9]+."),
        (["--key", "-"], "redaction key='-' is not usable: expected the name of a key, with at least one letter."),
    ],
)
def test_an_option_that_cannot_be_used(run, words, message):
    assert run(*words) == (2, b"", f"otel-mldebug redact: {message}\n")


class Dribble(io.BytesIO):
    """A pipe that gives a few bytes at a time."""

    def read1(self, size=-1):
        return super().read1(7 if size < 0 else min(size, 7))


def test_lines_are_let_go_as_they_come_and_keys_are_not_cut():
    source = Dribble(f"one two\nthree four\n{KEY}end".encode())

    assert list(redact.blocks(source)) == [b"one two\n", b"three four\n", KEY.encode(), b"end"]


def test_a_line_without_end_is_cut_at_a_space_and_memory_stays_bounded():
    blocks = list(redact.blocks(io.BytesIO(b"word " * 600_000)))

    assert b"".join(blocks) == b"word " * 600_000
    assert max(map(len, blocks)) <= 1_200_000
    assert all(block.endswith(b" ") for block in blocks)


def test_a_key_that_never_ends_is_not_waited_for_forever():
    text = b"-----BEGIN PRIVATE KEY-----\n" + LINE.encode() * 20_000

    assert max(map(len, redact.blocks(io.BytesIO(text)))) < 300_000


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    log = tmp_path / "long.log"
    log.write_bytes(b"password=hunter2\n" * 50_000)
    code = f"import sys; from otel_mldebug.cli.main import main; sys.exit(main(['redact', {str(log)!r}]))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        error = process.stderr.read()

    assert (process.returncode, error) == (0, b"")
