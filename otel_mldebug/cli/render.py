"""Values as text for a terminal: durations, numbers, bars, sparklines, colours. Pure, but for `Look.of`."""

import math
import os
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TextIO

from otel_mldebug.store.times import parse_rfc3339

MAX_COLUMNS = 100

_STYLES = {"bad": "1;31", "warn": "1;33", "good": "1;32", "strong": "1", "faint": "2"}
_LEVELS = {True: "▁▂▃▄▅▆▇█", False: "_.-=+*#@"}
_BAD = {True: "✗", False: "x"}
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the terminal can show.

    Attributes:
        width: Columns to use, 60 to 100.
        colour: Whether ANSI colours are wanted.
        unicode: Whether more than ASCII can be shown.
    """

    width: int = MAX_COLUMNS
    colour: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str] | None = None) -> "Look":
        """Return the look of a stream: colours only on a terminal, and not against NO_COLOR (https://no-color.org)."""
        environ = os.environ if environ is None else environ
        terminal = stream.isatty()
        columns = shutil.get_terminal_size((MAX_COLUMNS, 24)).columns if terminal else MAX_COLUMNS
        encoding = (getattr(stream, "encoding", None) or "ascii").lower()
        return cls(
            width=max(60, min(columns, MAX_COLUMNS)),
            colour=terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb",
            unicode=encoding.startswith("utf"),
        )

    def paint(self, text: str, style: str) -> str:
        """Return `text` in a style: `bad`, `warn`, `good`, `strong`, `faint`, or empty."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and style and text.strip() else text

    @property
    def dots(self) -> str:
        """An ellipsis."""
        return "…" if self.unicode else "..."

    @property
    def arrow(self) -> str:
        """What stands before advice."""
        return "→" if self.unicode else "->"

    @property
    def between(self) -> str:
        """What stands between facts."""
        return " · " if self.unicode else ", "


def clean(text: object) -> str:
    """Return `text` on one line, without anything that a terminal would obey."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())


def columns(text: str) -> int:
    """Return how many columns a terminal needs for `text`."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def cut(text: str, width: int, look: Look) -> str:
    """Return `text` in at most `width` columns, with an ellipsis if something is missing."""
    if columns(text) <= width:
        return text
    while text and columns(text) > width - len(look.dots):
        text = text[:-1]
    return text.rstrip() + look.dots


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill `text` up to `width` columns."""
    space = " " * max(0, width - columns(text))
    return space + text if right else text + space


def seconds(value: float) -> str:
    """Return a duration: `640 µs`, `12.3 ms`, `4.56 s`, `3 min 12 s`, `2 h 05 min`."""
    if not math.isfinite(value):
        return number(value)
    if value < 0:
        return f"-{seconds(-value)}"
    for limit, factor, unit in ((0.000_999_5, 1e6, "µs"), (0.999_5, 1e3, "ms"), (59.95, 1.0, "s")):
        if value < limit:
            return f"{_three(value * factor)} {unit}"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min"


def _three(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def number(value: object) -> str:
    """Return a number with four significant digits; text such as `NaN` as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return clean(value)
    if isinstance(value, int):
        return (
            f"{value:,}" if value.bit_length() < 64 else f"{float(value):.4g}" if value.bit_length() < 1000 else "huge"
        )
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def size(num_bytes: float) -> str:
    """Return a number of bytes: `512 B`, `3.1 MiB`, `2.00 GiB`."""
    value, unit = float(num_bytes), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1023.5 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} B" if unit == "B" else f"{_three(value)} {unit}"


def percent(share: float) -> str:
    """Return a share from 0 to 1 as per cent."""
    return f"{100 * share:.0f} %" if share >= 0.0095 or share <= 0 else f"{100 * share:.1f} %"


def quantity(name: str, value: object) -> str:
    """Return a value in the unit that its name ends with: `_bytes`, `_s`, `_share`."""
    if isinstance(value, list):
        return "(" + ", ".join(quantity(name, item) for item in value) + ")"
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        for end, show in (("_bytes", size), ("_s", seconds), ("_share", percent)):
            if name.endswith(end):
                return show(value)
    return number(value)


def clock(text: str, now: datetime | None = None) -> str:
    """Return an RFC 3339 time as local time of day, with the date if that is not today's."""
    if (time_ns := parse_rfc3339(text)) is None:
        return clean(text)
    local = datetime.fromtimestamp(time_ns / 1e9, tz=timezone.utc).astimezone()
    today = (now or datetime.now(tz=timezone.utc)).astimezone().date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M:%S")


def bar(share: float, width: int, look: Look) -> str:
    """Return a bar of `width` columns, filled to `share` from 0 to 1; a share above 0 always shows."""
    share = min(max(share, 0.0), 1.0)
    if not look.unicode:
        filled = max(round(share * width), 1 if share else 0)
        return ("#" * filled).ljust(width)
    eighths = max(round(share * width * 8), 1 if share else 0)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()).ljust(width)


def sparkline(values: Sequence[float | None], look: Look, *, bad: Sequence[bool] = ()) -> str:
    """Return one character a value: its height between the lowest and the highest.

    Args:
        values: What to draw; None leaves a gap.
        look: What can be shown.
        bad: Where something was not finite: marked, whatever the value.
    """
    levels, cross = _LEVELS[look.unicode], _BAD[look.unicode]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = high - low
    out = []
    for place, value in enumerate(values):
        if (place < len(bad) and bad[place]) or (value is not None and not math.isfinite(value)):
            out.append(cross)
        elif value is None:
            out.append(" ")
        elif span <= 1e-9 * max(abs(low), abs(high)) or not math.isfinite(span):
            out.append(levels[len(levels) // 2])
        else:
            out.append(levels[min(int((value - low) / span * len(levels)), len(levels) - 1)])
    return "".join(out)
