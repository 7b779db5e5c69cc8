"""`otel-mldebug redact`: what redaction makes of a text, or of JSON values one a line."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from otel_mldebug.config import Config
from otel_mldebug.errors import UsageError
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.rules.redact.configured import configured
from otel_mldebug.rules.redact.pem import BEGIN, END

_READ = 1 << 16  # bytes asked for at once
_LONGEST_LINE = 1 << 20  # bytes of a line without a break that are held before it is cut at a space
_LONGEST_KEY = 1 << 16  # bytes of an unfinished private key that are held


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `redact`."""
    parser = subparsers.add_parser(
        "redact",
        allow_abbrev=False,
        help="show what redaction would make of a text",
        description="Replace secrets in a text by markers such as [redacted:github-token]; everything else stays. "
        "Settings for redaction and exposure hold here, too; options add to them.",
        epilog="examples:\n  otel-mldebug redact train.log > shareable.log\n"
        "  otel-mldebug redact --stats --pattern 'ticket=TCK-[0-9]+' train.log\n"
        "  otel-mldebug redact --json < values.jsonl",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="file to read; - or nothing for stdin")
    parser.add_argument("--json", action="store_true", help="read JSON values, one a line, and write them likewise")
    parser.add_argument("--stats", action="store_true", help="say on stderr how many of which kind were replaced")
    more: Any = {"action": "append", "default": []}
    parser.add_argument("--pattern", metavar="KIND=REGEX", help="a further secret; may be repeated", **more)
    parser.add_argument("--key", metavar="NAME", help="a further key whose value is secret; may be repeated", **more)
    parser.add_argument("--keep-key", metavar="NAME", help="a key whose value is no secret; may be repeated", **more)
    parser.add_argument("--keep", metavar="REGEX", help="finds to leave as they are; may be repeated", **more)


def main(args: argparse.Namespace) -> int:
    """Copy the file or stdin to stdout without its secrets; what cannot be read or is no JSON ends it.

    Raises:
        UsageError: the file cannot be read, or a line is no JSON value.
        ConfigError: a setting, a pattern or a key cannot be used.
    """
    redactor = configured(
        Config.load(),
        enabled=True,
        patterns=tuple(_pattern(text) for text in args.pattern),
        keys=tuple(args.key),
        exempt_keys=tuple(args.keep_key),
        exempt_patterns=tuple(args.keep),
        max_depth=150,
        max_values=sys.maxsize,
    )
    with ExitStack() as stack:
        source: IO[bytes] = sys.stdin.buffer
        if args.file != "-":
            try:
                source = stack.enter_context(Path(args.file).open("rb"))
            except OSError as exc:
                raise UsageError(f"cannot read {args.file!r} ({exc.strerror}): give a file, or - for stdin.") from None
        for piece in _json_lines(source, redactor) if args.json else _texts(source, redactor):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    if args.stats:
        print(summary(redactor), file=sys.stderr)
    return 0


def _pattern(text: str) -> tuple[str, str]:
    kind, equals, source = text.partition("=")
    if not equals:
        raise UsageError(f"--pattern {text!r} is not usable: expected KIND=REGEX, such as ticket=TCK-[0-9]+.")
    return kind, source


def summary(redactor: Redactor) -> str:
    """Return one line: how many replacements, and of which kinds, the most frequent first."""
    counts = sorted(redactor.counts.items(), key=lambda item: (-item[1], item[0]))
    if not counts:
        return "nothing replaced"
    return f"{sum(redactor.counts.values())} replaced: " + ", ".join(f"{count} {kind}" for kind, count in counts)


def _texts(source: IO[bytes], redactor: Redactor) -> Iterator[bytes]:
    for block in blocks(source):
        # Bytes that are no UTF-8 come out as they went in.
        text = redactor.text(block.decode("utf-8", "surrogateescape"))
        yield text.encode("utf-8", "surrogateescape")


def _json_lines(source: IO[bytes], redactor: Redactor) -> Iterator[bytes]:
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as exc:
            reason = "nested too deeply" if isinstance(exc, RecursionError) else str(exc)
            raise UsageError(
                f"line {number} is no JSON value ({reason}). Give one a line, or leave --json out."
            ) from None
        yield json.dumps(redactor.value(value)).encode() + b"\n"


def blocks(source: IO[bytes]) -> Iterator[bytes]:
    """Yield the whole lines that are there, as they come, and never cut a private key in two."""
    read = getattr(source, "read1", source.read)
    pending = b""
    while data := read(_READ):
        pending += data
        if cut := _safe_cut(pending):
            yield pending[:cut]
            pending = pending[cut:]
    if pending:
        yield pending


def _safe_cut(pending: bytes) -> int:
    """How many bytes of `pending` can be let go."""
    cut = pending.rfind(b"\n") + 1
    if not cut and len(pending) >= _LONGEST_LINE:
        cut = max(pending.rfind(b" ") + 1, pending.rfind(b",") + 1) or len(pending)
    begin = pending.rfind(b"-----BEGIN ", 0, cut)
    if begin < 0 or len(pending) - begin > _LONGEST_KEY:
        return cut
    tail = pending[begin:cut].decode("latin-1")
    return begin if BEGIN.match(tail) and not END.search(tail) else cut
