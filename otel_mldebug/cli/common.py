"""What commands that show data have in common: where the store is, JSON on stdout, exit code by severity."""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from otel_mldebug.config import Config
from otel_mldebug.errors import UsageError
from otel_mldebug.rules.finding import ORDER
from otel_mldebug.semconv.names import Severity
from otel_mldebug.store.groups import severity_order
from otel_mldebug.store.queries import Store
from otel_mldebug.store.times import parse_rfc3339

SEVERITIES = [str(severity) for severity in ORDER]
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}


def common_options(parser: argparse.ArgumentParser) -> None:
    """Add `--store` and `--json`."""
    parser.add_argument("--store", metavar="DIR", help="directory of the local store; .mldebug by default")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")


def fail_option(parser: argparse.ArgumentParser) -> None:
    """Add `--fail-on`."""
    parser.add_argument(
        "--fail-on",
        metavar="SEVERITY",
        choices=SEVERITIES,
        help=f"exit with 1 if there is a finding of this severity or a higher one: {', '.join(SEVERITIES)}",
    )


def open_store(args: argparse.Namespace) -> Store:
    """Return the store that `--store`, the environment or a file of settings names.

    Raises:
        StoreError: there is none, or a newer version wrote it.
        ConfigError: a setting cannot be used.
    """
    return Store(Path(args.store).expanduser() if args.store else Config.load().store)


def print_json(value: Any) -> None:
    """Print one JSON document, in ASCII, so that no terminal and no locale can break it."""
    print(json.dumps(value, indent=2, allow_nan=False))


def show(lines: Iterable[str]) -> None:
    """Print lines; what the encoding of stdout does not have becomes a question mark."""
    encoding = sys.stdout.encoding or "ascii"
    print("\n".join(lines).encode(encoding, "replace").decode(encoding))


def exit_code(findings: Iterable[Mapping[str, Any]], fail_on: str | None) -> int:
    """Return 1 if a finding is at or above the severity of `--fail-on`, otherwise 0."""
    if fail_on is None:
        return 0
    limit = ORDER[Severity(fail_on)]
    return int(any(severity_order(finding["severity"]) >= limit for finding in findings))


def moment(text: str, now_ns: int | None = None) -> int:
    """Return what `--since` means, in nanoseconds since the epoch: `90s`, `10m`, `2h`, `3d`, or a time with its zone.

    Raises:
        UsageError: it is neither.
    """
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip()):
        now_ns = time.time_ns() if now_ns is None else now_ns
        return now_ns - int(float(match[1]) * _UNITS_S[match[2]] * 1e9)
    if (time_ns := parse_rfc3339(text.strip())) is not None:
        return time_ns
    raise UsageError(
        f"--since {text!r} is not usable: expected 90s, 10m, 2h, 3d or a time such as 2026-11-21T14:30:00Z."
    )
