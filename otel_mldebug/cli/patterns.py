"""`otel-mldebug patterns`: list the failures that are known, check files of one's own."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from otel_mldebug.cli.common import print_json, show
from otel_mldebug.config import Config
from otel_mldebug.errors import ConfigError, UsageError
from otel_mldebug.rules.catalogue.loader import builtin, load
from otel_mldebug.rules.catalogue.pattern import Pattern
from otel_mldebug.rules.catalogue.plugins import entries


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "patterns",
        help="list the failures that are known, and check files of your own",
        description="List the failures that are known, or check pattern files of your own.",
        epilog="examples:\n  otel-mldebug patterns list\n  otel-mldebug patterns check my_patterns.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["list", "check"], help="list all patterns, or check files")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="pattern files (TOML)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")


def main(args: argparse.Namespace) -> int:
    """List or check and return the exit code: 2 when a file is wrong."""
    if args.action == "check":
        if not args.files:
            raise UsageError("patterns check needs a file: otel-mldebug patterns check FILE.")
        return _check(args.files, as_json=args.json)
    return _list(entries((*Config.load().patterns, *args.files)) or builtin(), as_json=args.json)


def _check(files: Iterable[Path], *, as_json: bool) -> int:
    rows = [_checked(path) for path in files]
    if as_json:
        print_json({"files": rows})
    else:
        show(str(row.get("error") or f"{row['file']}: {_counted(row['patterns'])}") for row in rows)
    return 2 if any("error" in row for row in rows) else 0


def _counted(patterns: int) -> str:
    if not patterns:
        return "no patterns in it: an entry begins with [[pattern]]"
    return f"{patterns} pattern{'s' * (patterns > 1)}, all good"


def _checked(path: Path) -> dict[str, Any]:
    try:
        return {"file": str(path), "patterns": len(load(path))}
    except ConfigError as exc:
        return {"file": str(path), "error": str(exc)}


def _list(patterns: Iterable[Pattern], *, as_json: bool) -> int:
    ordered = sorted(patterns, key=lambda pattern: pattern.id)
    if as_json:
        keys = (
            "id",
            "category",
            "severity",
            "retryable",
            "cause",
            "solutions",
            "prevention",
            "docs",
            "source",
            "origin",
        )
        print_json({"patterns": [{key: getattr(pattern, key) for key in keys} for pattern in ordered]})
        return 0
    width = max((len(pattern.id) for pattern in ordered), default=0)
    show(f"{p.id:<{width}}  {p.category!s:<16}  {p.severity!s:<8}  {p.origin}" for p in ordered)
    return 0
