"""One measured figure, and how a list of them is printed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One result of a benchmark.

    Attributes:
        name: Dotted, stable name: module, case, variant, such as `functions.counted.ratio`.
        value: In `unit`.
        unit: `x` for a ratio to the same thing unwatched, else UCUM: `ns`, `s`, `1` (a share).
        spread: Half the distance between the quartiles, in the unit of the value; None for what is counted or known.
        limit: The value we promise to stay below; None where there is no promise.
        note: What was measured, for people.
    """

    name: str
    value: float
    unit: str
    spread: float | None = None
    limit: float | None = None
    note: str = ""

    @property
    def kept(self) -> bool:
        """Return whether the promise holds; true where there is none."""
        return self.limit is None or self.value <= self.limit

    def to_json(self) -> dict[str, Any]:
        """Return the figure without its name; what is unknown is left out."""
        out: dict[str, Any] = {"value": self.value, "unit": self.unit}
        if self.spread is not None:
            out["spread"] = self.spread
        if self.limit is not None:
            out["limit"] = self.limit
        if self.note:
            out["note"] = self.note
        return out

    @classmethod
    def from_json(cls, name: str, row: dict[str, Any]) -> "Figure":
        """Return the figure that `to_json` wrote."""
        return cls(name=name, **row)


def in_words(figure: Figure) -> tuple[str, str, str]:
    """Return value, spread and promise as people read them; empty where there is none."""
    spread = "" if figure.spread is None else f"± {_text(figure.spread, figure.unit)}"
    sign = "<=" if figure.kept else "OVER"
    limit = "" if figure.limit is None else f"{sign} {_text(figure.limit, figure.unit)}"
    return _text(figure.value, figure.unit), spread, limit


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as lines of text: name, value with spread, promise, note."""
    rows = [(figure.name, *in_words(figure), figure.note) for figure in figures]
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {spread:<{widths[2]}}  {limit:<{widths[3]}}  {note}".rstrip()
        for name, value, spread, limit, note in rows
    )


def _text(value: float, unit: str) -> str:
    digits = f"{value:.3f}" if unit in ("x", "s", "1") else f"{value:,.0f}"
    return digits + {"x": "x", "1": ""}.get(unit, f" {unit}")
