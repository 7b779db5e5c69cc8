"""`otel-mldebug report`: a run in one document, with what to do next."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from otel_mldebug.cli.common import common_options, exit_code, fail_option, open_store, print_json, show
from otel_mldebug.errors import UsageError
from otel_mldebug.report.document import report


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `report`."""
    parser = subparsers.add_parser(
        "report",
        allow_abbrev=False,
        help="put a run into one document, with what to do next",
        description="Put all that is known of a run into one JSON document: verdict, recommendations drawn from what "
        "was seen, findings, training, layers, processes. Without --json, show the verdict and what to do.",
        epilog="examples:\n  otel-mldebug report\n  otel-mldebug report 2026-11-21 --output report.json\n"
        "  otel-mldebug report --json | jq .recommendations",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "which", metavar="RUN", nargs="?", help="id of the run, or its beginning; the latest by default"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the document to a file")
    fail_option(parser)
    common_options(parser)


def main(args: argparse.Namespace) -> int:
    """Print or write the report of a run; 1 if `--fail-on` says so.

    Raises:
        StoreError: there is no store or no such run.
        UsageError: the file cannot be written.
    """
    document = report(open_store(args), args.which)
    if args.output is not None:
        _write(args.output, document)
    if args.json:
        print_json(document)
    else:
        from otel_mldebug.cli import report_page
        from otel_mldebug.cli.render import Look

        show(report_page.lines(document, Look.of(sys.stdout), written=args.output))
    return exit_code(document.get("findings", ()), args.fail_on)


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="ascii")
    except OSError as exc:
        raise UsageError(f"--output {str(path)!r} cannot be written: {exc.strerror or exc}.") from None
