"""docs/reference/command-line.md, written from the parsers: `python -m otel_mldebug.cli.docs`."""

import argparse
import re
import sys
from pathlib import Path

from otel_mldebug.cli.main import COMMANDS, EXIT_CODES, overview, parser_for

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line.md"

_HEAD = """\
# Command line

Written from the commands themselves by `make generate`: do not edit. Names, options, exit codes and the shape of JSON
are stable. `otel-mldebug` and `python -m otel_mldebug` are the same.

"""


def page() -> str:
    """Return the page."""
    parts = [_HEAD, _block(overview())]
    for command, about in COMMANDS.items():
        parts.append(
            f"\n## otel-mldebug {command}\n\n{about[0].upper()}{about[1:]}.\n\n{_command(parser_for(command))}"
        )
    parts.append(f"\n## Exit codes\n\n{EXIT_CODES.partition(': ')[2].capitalize()}.\n")
    return "".join(parts)


def _command(parser: argparse.ArgumentParser) -> str:
    text = [f"{_line(parser.description)}\n\n"] if parser.description else []
    text.append(_block(_usage(parser)))
    rows = [
        f"| {_names(action)} | {_cell(action.help or '')} |\n"
        for action in parser._actions
        if action.help is not argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)
    ]
    if rows:
        text += ["\n| option | meaning |\n|---|---|\n", *rows]
    if parser.epilog:
        text += ["\n", _block(parser.epilog.strip())]
    return "".join(text)


def _usage(parser: argparse.ArgumentParser) -> str:
    """Return the usage on one line: how argparse breaks lines differs from one Python to the next."""
    words = " ".join(parser.format_usage().split())
    return words.removeprefix("usage: ")


def _names(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return _cell(f"`{value}`")
    takes = "" if action.nargs == 0 else f" {value}"
    return ", ".join(f"`{name}{takes}`" for name in action.option_strings)


def _cell(text: str) -> str:
    return _line(text.replace("%%", "%")).replace("|", "\\|")


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _block(text: str) -> str:
    return f"```text\n{text}\n```\n"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
