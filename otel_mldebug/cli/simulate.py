"""`otel-mldebug simulate`: real failures on demand, so that dashboards and alerts can be tried out."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from otel_mldebug.cli.common import print_json
from otel_mldebug.cli.program import Program
from otel_mldebug.cli.run import add_watch_options, watch
from otel_mldebug.config import Config
from otel_mldebug.demo.failures import FAILURES, Failure
from otel_mldebug.errors import UsageError
from otel_mldebug.rules.taxonomy import category_of
from otel_mldebug.semconv.names import Category
from otel_mldebug.store.layout import make_run_id

SCRIPT = Path(__file__).resolve().parent.parent / "demo" / "simulate.py"
SESSION = "simulation"
"""The session that all of it belongs to, unless there is one: what dashboards and alerts can tell it by."""
MAX_COUNT = 10_000


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `simulate`."""
    parser = subparsers.add_parser(
        "simulate",
        allow_abbrev=False,
        help="let things go wrong, to see what dashboards and alerts make of it",
        description="Let things go wrong in a program of their own, under watch: a shape that does not fit, a refused "
        "connection, an allocation that fails, a loss that becomes NaN. They really happen, harmlessly, and take the "
        "way that any failure takes; where a package is missing they are imitated, and that is said. Everything "
        "belongs to the session `simulation`, unless you name one with OTEL_MLDEBUG_SESSION.",
        epilog="examples:\n  otel-mldebug simulate --list\n  otel-mldebug simulate memory network --count 20\n"
        "  otel-mldebug simulate all --otlp http://localhost:4318",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("categories", metavar="CATEGORY", nargs="*", help="what goes wrong; see --list; or all")
    parser.add_argument("--list", action="store_true", help="list what can go wrong, and whether it really does here")
    parser.add_argument("--count", metavar="N", type=_count, default=1, help="how often each one does; 1 by default")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
    add_watch_options(parser)


def main(args: argparse.Namespace) -> int:
    """Let it go wrong, and say what was found; 1 if a category was not.

    Raises:
        UsageError: no category was given, or one that does not exist.
    """
    if args.list:
        _list(args.json)
        return 0
    chosen = _chosen(args.categories)
    if os.environ.get("OTEL_MLDEBUG_SUPERVISED"):
        raise UsageError("simulate watches a program of its own: it cannot be watched by `otel-mldebug run`.")
    os.environ.setdefault("OTEL_MLDEBUG_SESSION", SESSION)
    run_id = os.environ.setdefault("OTEL_MLDEBUG_RUN_ID", make_run_id())
    quiet = ("--quiet",) if args.json else ()
    args.quiet = args.quiet or args.json
    args.budget = args.budget or "100%"  # every step is looked at: what goes wrong here goes wrong in one of them
    words = (sys.executable, str(SCRIPT), *quiet, "--count", str(args.count), *(str(f.category) for f in chosen))
    code = watch(Program(executable=sys.executable, argv=words, label="simulation"), args)
    findings = _findings(args, run_id)
    rows = [_row(failure, findings) for failure in chosen]
    if args.json:
        print_json({"run_id": run_id, "simulated": rows, "findings": findings})
    else:
        _print(rows)
    return code or int(any("rule" not in row for row in rows))


def _chosen(words: Sequence[str]) -> list[Failure]:
    """Return what to provoke, in the order of the list.

    Raises:
        UsageError: there is none, or no such category.
    """
    if not words:
        raise UsageError("What shall go wrong? otel-mldebug simulate --list shows what there is.")
    wanted: set[Category] = set()
    for word in words:
        category = category_of(word)
        if word != "all" and category is None:
            raise UsageError(f"There is no category {word!r}. There are: {', '.join(map(str, Category))}; or all.")
        wanted |= set(Category) if category is None else {category}
    return [failure for failure in FAILURES if failure.category in wanted]


def _findings(args: argparse.Namespace, run_id: str) -> list[dict[str, Any]]:
    from otel_mldebug.errors import StoreError
    from otel_mldebug.store.queries import Store

    config = Config.load(store=args.store)
    try:
        return Store(config.store).findings(run_id) if config.local else []
    except StoreError:  # nothing was recorded; the rows say so
        return []


def _row(failure: Failure, findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"category": str(failure.category), "what": failure.what, "real": failure.real}
    if not failure.real:
        row["missing"] = list(failure.needs)
    for finding in findings:
        if finding["category"] == row["category"]:
            known = ("rule", "severity", "count", "fingerprint", "id")
            return {**row, **{key: finding[key] for key in known if key in finding}}
    return row


def _list(as_json: bool) -> None:
    rows = [_row(failure, ()) for failure in FAILURES]
    if as_json:
        print_json({"simulations": rows})
        return
    for row in rows:
        how = "real" if row["real"] else f"imitated: {', '.join(row['missing'])} is not installed"
        print(f"{row['category']:<17} {row['what']} ({how})")


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        how = "real" if row["real"] else "imitated"
        found = f"{row['severity']} {row['rule']} × {row['count']}" if "rule" in row else "not found"
        print(f"{row['category']:<17} {how:<9} {found}")


def _count(text: str) -> int:
    count = int(text) if text.isdecimal() else 0
    if not 1 <= count <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"{text} is not usable: expected a whole number from 1 to {MAX_COUNT}")
    return count
