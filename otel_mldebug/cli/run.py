"""`otel-mldebug run`: the user's program, unchanged and under watch, and one verdict after it."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from otel_mldebug.cli import supervise
from otel_mldebug.cli.program import Program, resolve
from otel_mldebug.cli.record import RunRecord
from otel_mldebug.config import Config
from otel_mldebug.errors import UsageError

BOOTSTRAP = Path(__file__).resolve().parent.parent / "bootstrap"
"""The directory that holds nothing but our `sitecustomize.py`."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `run`. Its own options stand before PROGRAM; whatever follows belongs to the program."""
    parser = subparsers.add_parser(
        "run",
        allow_abbrev=False,
        usage="otel-mldebug run [OPTIONS] [-m] PROGRAM [ARGUMENTS ...]",
        help="run a program under watch",
        description="Run a program unchanged (its output, its exit code, its signals, its traceback) and say on stderr "
        "afterwards what went wrong, where, why, and what to try.",
        epilog="examples:\n"
        "  otel-mldebug run train.py --epochs 3\n"
        "  otel-mldebug run -m package.train --lr 0.1\n"
        "  otel-mldebug run torchrun --nproc-per-node 2 train.py\n"
        "  otel-mldebug run --otlp http://localhost:4318 --name cifar bash train.sh",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-m", dest="module", action="store_true", help="PROGRAM is the name of a Python module")
    add_watch_options(parser)
    parser.add_argument(
        "words",
        metavar="PROGRAM",
        nargs=argparse.REMAINDER,
        help="a Python file, or any command: python, torchrun, accelerate, bash; then its own arguments",
    )


def add_watch_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a program is watched: `run` and `demo` share them."""
    parser.add_argument("--store", metavar="DIR", help="directory of the local store; .mldebug by default")
    parser.add_argument("--quiet", action="store_true", help="no verdict: nothing of ours on stderr")
    parser.add_argument("--otlp", metavar="URL", help="send everything to this OpenTelemetry collector too")
    parser.add_argument("--prometheus", metavar="[HOST:]PORT", help="serve metrics for Prometheus to scrape")
    parser.add_argument("--budget", metavar="SHARE", help="what watching may cost, such as 0.02 or 2%%")
    parser.add_argument("--name", metavar="NAME", help="service.name on everything that is sent")


def main(args: argparse.Namespace) -> int:
    """Run the program and return its exit code, or die by the signal that it died of.

    Raises:
        UsageError: there is no such program, or an option cannot be used.
        ConfigError: a setting cannot be used.
    """
    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    return watch(resolve(words, module=args.module, environ=os.environ), args)


def watch(program: Program, args: argparse.Namespace) -> int:
    """Run `program` as the options say, print the verdict, and end the way it ended."""
    given = {"store": args.store, "budget": args.budget, "prometheus": args.prometheus}
    config = Config.load(**given)
    _check(config)
    environ = {**os.environ, **_options(args)}
    if os.environ.get("OTEL_MLDEBUG_SUPERVISED"):
        # Inside another `otel-mldebug run`: this program belongs to that run, and so does the verdict on it.
        sys.stdout.flush()
        os.execve(program.executable, program.argv, environ)  # noqa: S606  (what `run` is for)
    record = RunRecord.begin(config, program)
    if not config.disabled:
        environ = environment(environ, record)
    ending = supervise.supervise(program, environ, meanwhile=record.write_started)
    from otel_mldebug._guard import guard  # this and what follows costs more than starting the program: not before it

    with guard("write down how the program ended"):
        notes = record.end(ending)
        if "SIGTERM" in (ending.signal_name, *ending.handed_on):
            from otel_mldebug.cli.terminated import note

            note(config, record, ending)
        if not args.quiet and (not record.rank or ending.code != 0):  # of ranks that are well, the first one tells
            from otel_mldebug.cli.aftermath import tell

            tell(config, program, record, ending, notes)
    return supervise.end_alike(ending)


def _check(config: Config) -> None:
    """Refuse now what would otherwise fail in the program's processes.

    Raises:
        ConfigError: the address for Prometheus, a file of patterns or an entry for redaction cannot be used.
    """
    if config.prometheus:
        from otel_mldebug.export.prometheus.address import parse

        parse(config.prometheus, "prometheus")
    if config.patterns:
        from otel_mldebug.rules.catalogue.loader import load_all

        load_all(config.patterns)
    if any(name.startswith("redact_") for name in config.origins):
        from otel_mldebug.rules.redact.configured import configured

        configured(config)


def environment(environ: Mapping[str, str], record: RunRecord) -> dict[str, str]:
    """Return the program's environment: which run it belongs to, where the store is, and our hook before its own."""
    inherited = environ.get("PYTHONPATH", "")
    changed = {
        **environ,
        "OTEL_MLDEBUG_RUN_ID": record.run_id,
        "OTEL_MLDEBUG_STORE": str(record.store),
        "OTEL_MLDEBUG_SUPERVISED": "1",
        "PYTHONPATH": f"{BOOTSTRAP}{os.pathsep}{inherited}" if inherited else str(BOOTSTRAP),
    }
    if record.notes is not None:
        changed["OTEL_MLDEBUG_BOOTSTRAP"] = str(record.notes)
    if record.unkept:
        changed["OTEL_MLDEBUG_LOCAL"] = "false"  # said once, by us, and not by every process
    return changed


def _options(args: argparse.Namespace) -> dict[str, str]:
    """Return the options as the variables that the program's processes read."""
    variables: dict[str, str] = {}
    if args.otlp:
        variables.update(_otlp(args.otlp, os.environ))
    if args.prometheus:
        variables["OTEL_MLDEBUG_PROMETHEUS"] = args.prometheus
    if args.budget:
        variables["OTEL_MLDEBUG_BUDGET"] = args.budget
    if args.name:
        variables["OTEL_SERVICE_NAME"] = args.name
    return variables


def _otlp(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"--otlp {url!r}: expected a URL such as http://localhost:4317 (gRPC) or http://localhost:4318"
        )
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": url}
    if parts.port == 4318 and not environ.get("OTEL_EXPORTER_OTLP_PROTOCOL"):
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"  # the default, gRPC, is not spoken there
    return variables
