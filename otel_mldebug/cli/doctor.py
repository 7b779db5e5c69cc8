"""`otel-mldebug doctor`: is everything installed, reachable and set as it should be?"""

import argparse
import json
import os
import shutil
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from otel_mldebug.cli.checks import accelerators, doubles, endpoints, local_store, settings, versions
from otel_mldebug.cli.checks.check import FAIL, OK, WARN, Check


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `doctor`."""
    parser = subparsers.add_parser(
        "doctor",
        allow_abbrev=False,
        help="check the installation",
        description="Check versions, GPUs, endpoints, the store and the settings. Exits with 1 if something fails.",
        epilog="examples:\n  otel-mldebug doctor --otlp http://collector:4318\n  otel-mldebug doctor --deep --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", metavar="DIR", help="check this store instead of the one that is set")
    parser.add_argument("--otlp", metavar="URL", help="check this collector instead of the one that is set")
    parser.add_argument(
        "--deep", action="store_true", help="import PyTorch, in another process, to see what it can use"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")


def main(args: argparse.Namespace) -> int:
    """Run all checks and print them; 1 if one failed."""
    config, judged = settings.load({"store": args.store})
    checks = [
        *versions.check(),
        *accelerators.check(deep=args.deep),
        *endpoints.check(os.environ, otlp=args.otlp, prometheus=config.prometheus),
        *local_store.check(config),
        *doubles.check(os.environ),
        judged,
    ]
    effective, variables = settings.effective(config), settings.variables(os.environ)
    if args.json:
        print(json.dumps(report(checks, effective, variables), indent=2))
    else:
        width = min(shutil.get_terminal_size((100, 24)).columns, 120)
        print("\n".join(render(checks, effective, variables, width=width)))
    return int(worst(checks) == FAIL)


def worst(checks: Iterable[Check]) -> str:
    """Return the worst status among the checks."""
    return max((check.status for check in checks), key=(OK, WARN, FAIL).index, default=OK)


def report(
    checks: Iterable[Check], effective: Mapping[str, Mapping[str, Any]], variables: Mapping[str, str]
) -> dict[str, Any]:
    """Return all of it as one JSON document."""
    listed = list(checks)
    return {
        "status": worst(listed),
        "checks": [check.to_json() for check in listed],
        "settings": effective,
        "environment": variables,
    }


def render(
    checks: Iterable[Check],
    effective: Mapping[str, Mapping[str, Any]],
    variables: Mapping[str, str],
    *,
    width: int,
) -> list[str]:
    """Return the lines to print, at most `width` columns wide where words allow."""
    lines: list[str] = []
    listed = list(checks)
    indent = max(len(check.name) for check in listed) + 8
    for check in listed:
        head = f"{check.status:<4}  {check.name}".ljust(indent)
        lines += _wrap(check.detail, width, head, " " * indent)
        if check.advice:
            lead = " " * indent + "-> "
            lines += _wrap(check.advice, width, lead, " " * (indent + 3))
    changed = {name: row for name, row in effective.items() if row["origin"] != "default"}
    if changed:
        lines += ["", "settings that are not the default:"]
        lines += [f"  {name} = {row['value']}  ({row['origin']})" for name, row in changed.items()]
    if variables:
        lines += ["", "OpenTelemetry variables in the environment:"]
        lines += [f"  {name}={value}" for name, value in variables.items()]
    counts = [f"{sum(check.status == status for check in listed)} {status}" for status in (OK, WARN, FAIL)]
    return [*lines, "", ", ".join(counts)]


def _wrap(text: str, width: int, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False
    )
