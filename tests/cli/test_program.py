"""From the words after `run` to a command that can be started."""

import os
import sys
from types import ModuleType

import pytest

from otel_mldebug.cli.program import isolating_flag, resolve
from otel_mldebug.errors import UsageError


@pytest.fixture
def files(here):
    (here / "train.py").touch()
    (here / "package").mkdir()
    (here / "package" / "__main__.py").touch()
    (here / "empty").mkdir()
    (here / "notes.txt").touch()
    tool = here / "bin" / "tool"
    tool.parent.mkdir()
    tool.touch(mode=0o755)
    return here


@pytest.mark.parametrize(
    ("words", "module", "argv"),
    [
        (["train.py", "--help", "-m"], False, [sys.executable, "train.py", "--help", "-m"]),
        (["./train.py"], False, [sys.executable, "./train.py"]),
        (["package"], False, [sys.executable, "package"]),
        (["package", "x"], True, [sys.executable, "-m", "package", "x"]),
        (["json.tool"], True, [sys.executable, "-m", "json.tool"]),
        (["train"], True, [sys.executable, "-m", "train"]),
        (["tool", "--", "x"], False, ["tool", "--", "x"]),
        (["bin/tool"], False, ["bin/tool"]),
    ],
)
def test_a_program_is_resolved_to_what_is_started(files, words, module, argv):
    program = resolve(words, module=module, environ={"PATH": str(files / "bin")})
    assert (list(program.argv), program.label) == (argv, words[0].rpartition("/")[2])
    assert os.access(program.executable, os.X_OK)


@pytest.mark.parametrize(
    ("words", "module", "message"),
    [
        ([], False, "expected a program to run, for example: otel-mldebug run train.py --epochs 3"),
        ([], True, "expected a module to run, for example: otel-mldebug run train.py --epochs 3"),
        (["trian.py"], False, "there is no file 'trian.py' in {here}. Did you mean 'train.py'?"),
        (["zzz.py"], False, "there is no file 'zzz.py' in {here}."),
        (["src/train.py"], False, "there is no file 'src/train.py': {here}/src is no directory."),
        (["./tol"], False, "there is no file 'tol' in {here}."),
        (["bin/tol"], False, "there is no file 'tol' in {here}/bin. Did you mean 'tool'?"),
        (["tol"], False, "there is no command 'tol' on PATH. Did you mean 'tool'?"),
        (["qqqqqq"], False, "there is no command 'qqqqqq' on PATH."),
        (["trian"], True, "there is no module 'trian' in {here} or on the path of {python}. Did you mean 'train'?"),
        (["__main__x"], True, "there is no module '__main__x' in {here} or on the path of {python}."),
        (["empty/"], False, "'empty/' is a directory without __main__.py: there is nothing in it to run."),
        (
            ["./notes.txt"],
            False,
            "'./notes.txt' may not be executed. Run: chmod +x ./notes.txt, or put in front what runs it",
        ),
        (
            ["notes.txt"],
            False,
            "'notes.txt' is a file here and not a command. To run it as one: otel-mldebug run ./notes.txt",
        ),
    ],
)
def test_what_cannot_be_run_is_named_with_what_comes_close(files, words, module, message):
    with pytest.raises(UsageError) as caught:
        resolve(words, module=module, environ={"PATH": f"{files / 'bin'}{os.pathsep}{files / 'missing'}"})
    assert str(caught.value) == message.format(here=files, python=sys.executable)


def test_a_module_of_this_process_without_a_spec_is_not_taken_for_the_users(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "made_up", ModuleType("made_up"))
    with pytest.raises(UsageError, match="there is no module 'made_up'"):
        resolve(["made_up"], module=True, environ={})


@pytest.mark.parametrize(
    ("argv", "flag"),
    [
        (["python", "-I", "train.py"], "-I"),
        (["/usr/bin/python3.12", "-sE", "train.py"], "-E"),
        (["python", "-B", "-S", "-c", "0"], "-S"),
        (["python", "train.py", "-I"], ""),
        (["python", "-m", "package", "-I"], ""),
        (["python", "-c", "-I"], ""),
        (["python", "-X", "importtime", "-I"], "-I"),
        (["python", "-WIgnore", "-XIS", "train.py"], ""),
        (["python", "-W"], ""),
        (["python", "-", "-I"], ""),
        (["python"], ""),
        (["bash", "-I"], ""),
    ],
)
def test_the_flag_that_shuts_us_out_is_recognised(argv, flag):
    assert isolating_flag(argv) == flag
