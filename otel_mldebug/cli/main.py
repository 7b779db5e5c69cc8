"""The entry of the command line: which commands there are; the one that was chosen is imported, the others are not."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from otel_mldebug._version import __version__

if TYPE_CHECKING:
    import argparse

COMMANDS: Mapping[str, str] = {
    "run": "run your program under watch and say at the end what went wrong, where, and what to try",
    "demo": "train a small model with a planted fault and show what is found",
    "errors": "list what went wrong, grouped",
    "training": "show the training steps: phases, loss, gradient norm",
    "report": "put a run into one document, with what to do next",
    "explain": "explain an error message, a traceback or a log",
    "patterns": "list the failures that are known, and check files of your own",
    "redact": "show what redaction would make of a text",
    "simulate": "let things go wrong, to try out dashboards and alerts",
    "doctor": "check the installation: versions, endpoints, store, settings",
}
"""Command -> one line of help. Each is the module of the same name in this package."""

EXIT_CODES = """\
exit codes: 0 done, 1 findings at or above --fail-on, 2 wrong usage or configuration; `run` passes on the program's"""

_INTERMIXED = ("patterns", "simulate")
"""Commands that take options among their words: `patterns check --json FILE`."""
_LEADING = {"--store": True, "--json": False}
"""Options of the commands that may stand before the command too -> whether a value follows."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0] in {"-h", "--help", "help"} and len(words) == 1):
        print(overview(), file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] in {"-V", "--version"}:
        print(f"otel-mldebug {__version__}")
        return 0
    if words[0] == "help":
        words = [words[1], "--help"]
    words = _command_first(words)
    command = words[0]
    if command not in COMMANDS:
        print(f"otel-mldebug: {_unknown(command)}", file=sys.stderr)
        return 2
    return _dispatch(command, words[1:])


def overview() -> str:
    """Return what `otel-mldebug --help` prints. Plain text: argparse alone would cost a third of the time."""
    width = max(map(len, COMMANDS))
    lines = [
        "usage: otel-mldebug COMMAND ...",
        "",
        "What broke or got slow in your ML code: what, where, why, and what to try.",
        "",
        "commands:",
        *(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()),
        "",
        "start with:",
        "  otel-mldebug demo                        see it work, on this machine, in 20 seconds",
        "  otel-mldebug run train.py --epochs 3     your own program, unchanged",
        "  otel-mldebug COMMAND --help              options and examples of a command",
        "",
        EXIT_CODES,
    ]
    return "\n".join(lines)


def parser_for(command: str) -> "argparse.ArgumentParser":
    """Return the parser of one command, under the name `otel-mldebug COMMAND`."""
    import argparse
    import importlib

    module = importlib.import_module(f"otel_mldebug.cli.{command}")
    # Without `prog`, argparse would format a usage to find it, and import shutil and with it four compressors.
    subparsers = argparse.ArgumentParser(add_help=False).add_subparsers(prog="otel-mldebug")
    module.add_parser(subparsers)
    parser: argparse.ArgumentParser = subparsers.choices[command]
    parser.set_defaults(main=module.main)
    return parser


def _dispatch(command: str, words: list[str]) -> int:
    import os

    from otel_mldebug.errors import MLDebugError

    try:
        os.getcwd()  # noqa: PTH109  (pathlib costs 5 ms)
    except OSError:
        print("otel-mldebug: the working directory has been removed: cd to another one", file=sys.stderr)
        return 2
    try:
        parser = parser_for(command)
        args = (parser.parse_intermixed_args if command in _INTERMIXED else parser.parse_args)(words)
        return int(args.main(args) or 0)
    except MLDebugError as exc:
        print(f"otel-mldebug {command}: {exc}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of our output is gone, as in `otel-mldebug errors | head`: no error, and nothing to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except KeyboardInterrupt:
        return 130


def _command_first(words: list[str]) -> list[str]:
    """Move options that stand before the command behind it: `--store DIR errors` -> `errors --store DIR`."""
    end = 0
    while end < len(words) and words[end].partition("=")[0] in _LEADING:
        end += 1 + (_LEADING[words[end].partition("=")[0]] and "=" not in words[end])
    return [words[end], *words[:end], *words[end + 1 :]] if end < len(words) else words


def _unknown(command: str) -> str:
    import difflib

    near = difflib.get_close_matches(command, COMMANDS, n=1)
    known = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(COMMANDS)}."
    return f"there is no command {command!r}. {known} To watch a program: otel-mldebug run PROGRAM"
