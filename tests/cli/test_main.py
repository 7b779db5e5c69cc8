"""The entry: what it prints, what it refuses, and what it does not import."""

import subprocess
import sys

import pytest

from otel_mldebug._version import __version__
from otel_mldebug.cli import main

HEAVY = {"torch", "numpy", "rich", "opentelemetry", "psutil", "argparse", "json", "sqlite3"}


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_names_every_command_with_its_line(words, capsys):
    assert main.main(words) == 0
    printed = capsys.readouterr().out
    assert [name for name, text in main.COMMANDS.items() if f"{name} " not in printed or text not in printed] == []
    assert printed.isascii(), "a terminal of any encoding must be able to show it"


def test_without_a_command_the_help_goes_to_stderr_and_the_code_is_2(capsys):
    assert main.main([]) == 2
    assert capsys.readouterr().err == main.overview() + "\n"


@pytest.mark.parametrize("words", [["--version"], ["-V"]])
def test_the_version_is_printed(words, capsys):
    assert main.main(words) == 0
    assert capsys.readouterr().out == f"otel-mldebug {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("erors", "there is no command 'erors'. Did you mean 'errors'?"),
        ("trainning", "there is no command 'trainning'. Did you mean 'training'?"),
        ("train.py", "To watch a program: otel-mldebug run PROGRAM"),
        ("--frobnicate", "there is no command '--frobnicate'. There are: run, demo,"),
        ("", "there is no command ''. There are: run, demo,"),
    ],
)
def test_an_unknown_command_is_named_with_what_comes_close(typed, answer, capsys):
    assert main.main([typed]) == 2
    assert answer in capsys.readouterr().err


@pytest.mark.parametrize("command", main.COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main.main([command, "--help"])
    printed = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"usage: otel-mldebug {command}" in printed
    assert f"otel-mldebug {command}" in printed.partition("\n\n")[2], "an example"


def test_help_with_a_command_is_the_help_of_the_command(capsys):
    with pytest.raises(SystemExit):
        main.main(["help", "run"])
    assert "usage: otel-mldebug run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "moved"),
    [
        (["--store", "x", "errors", "--top", "3"], ["errors", "--store", "x", "--top", "3"]),
        (["--json", "--store=x", "errors"], ["errors", "--json", "--store=x"]),
        (["errors", "--store", "x"], ["errors", "--store", "x"]),
        (["--store", "x"], ["--store", "x"]),
        (["--store"], ["--store"]),
    ],
)
def test_common_options_may_stand_before_the_command(words, moved):
    assert main._command_first(words) == moved


def test_an_error_of_ours_is_one_line_and_exit_code_2(mldebug):
    done = mldebug("errors", "--store", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("otel-mldebug errors: The store nowhere does not exist.")
    assert done.stderr.count("\n") == 1


def test_a_working_directory_that_is_gone_is_named():
    line = f"d=$(mktemp -d); cd $d; rmdir $d; {sys.executable} -m otel_mldebug run true"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "otel-mldebug: the working directory has been removed: cd to another one\n"


def test_a_reader_that_goes_away_is_no_error():
    line = f"{sys.executable} -m otel_mldebug doctor | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0].startswith("ok    otel-mldebug")


@pytest.mark.parametrize("words", ["--help", "--version", "no-such-command"])
def test_what_needs_no_command_imports_next_to_nothing(words):
    code = (
        f"import sys; from otel_mldebug.cli.main import main; main(['{words}']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stderr.split() if name in HEAVY or name.startswith("otel_mldebug.cli.")}
    assert loaded == {"otel_mldebug.cli.main"}


@pytest.mark.parametrize("command", main.COMMANDS)
def test_no_command_imports_torch_or_the_sdk_to_parse_its_options(command):
    code = f"import sys; from otel_mldebug.cli.main import parser_for; parser_for('{command}'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "opentelemetry.sdk", "rich", "numpy"} & set(done.stdout.split())
