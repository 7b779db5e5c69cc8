"""The curves of a training over its steps, with the findings below them. Pure."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otel_mldebug.cli.render import Look, clean, cut, number, pad, seconds, size, sparkline
from otel_mldebug.store.curve import Bin, Curve
from otel_mldebug.store.training import Training

MARKS = "123456789abcdefghijklmnopqrstuvwxyz"
"""Marks of findings on the time line, in the order of their list."""

_LABEL = 15
_MOST_APART = 3
_WIDTH = 48
_STEP_TIME = "duration_s"
_RATES = {"samples_per_s": "samples", "tokens_per_s": "tokens"}
_BYTES = ("memory_bytes", "device_bytes")
_NAMES = {
    "loss": "loss",
    "evaluation_loss": "validation",
    "gradient_norm": "gradient norm",
    "learning_rate": "learning rate",
    "scale": "loss scale",
    _STEP_TIME: "step time",
    "samples_per_s": "samples/s",
    "tokens_per_s": "tokens/s",
    "memory_bytes": "memory",
    "device_bytes": "GPU memory",
}
_SPIKE = 4.0
"""A step time is drawn as at most this many times the median: one slow step shall not flatten all others."""


class _Axis:
    """Steps as columns: `per` steps each, from `start` on."""

    def __init__(self, curves: Sequence[Curve], width: int) -> None:
        self.width = width
        self.start = min((_begin(curve) for curve in curves), default=0)
        self.end = max((curve.last[0] for curve in curves if curve.last), default=self.start)
        bins = max((curve.width for curve in curves), default=1)
        self.per = bins * max(1, math.ceil((self.end - self.start + 1) / width / bins))

    def column(self, step: int) -> int | None:
        """Return where a step stands; None if it does not."""
        return (step - self.start) // self.per if self.start <= step <= self.end else None

    def __str__(self) -> str:
        left, right = f"{self.start:,}", f"{self.end:,}"
        used = (self.end - self.start) // self.per + 1
        return left if self.start == self.end else f"{left.ljust(max(len(left) + 1, used - len(right)))}{right}"


def lines(training: Training, look: Look) -> Iterator[str]:
    """Yield a line for each curve that has values, then the findings, the axis and the first bad step."""
    curves = {name: curve for name, curve in training.curves.items() if curve}
    apart = _apart(training)
    axis = _Axis([*curves.values()], max(10, min(_WIDTH, look.width - _LABEL - 35)))
    for name in curves:
        for label, curve in apart.get(name) or [(_NAMES[name], curves[name])]:
            drawn = pad(_draw(name, curve, axis, look), axis.width)
            told = _rate(_RATES[name], training) if name in _RATES else _told(name, curve, look)
            text = f"{pad(cut(label, _LABEL - 1, look), _LABEL)}{drawn}  {told}"
            yield cut(text, look.width, look)
    if marks := _marks(training.findings, axis):
        yield f"{'findings':<{_LABEL}}{look.paint(marks, 'bad')}"
    yield look.paint(f"{'step':<{_LABEL}}{axis}", "faint")
    if bad := training.first_bad:
        rank = "" if bad.process.rank is None else f" (rank {bad.process.rank})"
        place = _layer(training.findings)
        yield look.paint(f"first bad step {bad.first_bad:,}{rank}{place and look.between + place}", "bad")


def _apart(training: Training) -> dict[str, list[tuple[str, Curve]]]:
    """Return the curves of each optimizer with their labels, where there are a few: what they minimise differs."""
    known = {owner: curves for owner, curves in training.by_optimizer.items() if any(curves.values())}
    if not 1 < len(known) <= _MOST_APART:
        return {}
    return {
        name: [(f"{short} {clean(owner)}", curves[name]) for owner, curves in known.items() if curves[name]]
        for name, short in (("loss", "loss"), ("gradient_norm", "norm"))
    }


def _begin(curve: Curve) -> int:
    return curve.first[0] if curve.first else curve.start


def _draw(name: str, curve: Curve, axis: _Axis, look: Look) -> str:
    cells = [Bin() for _ in range(axis.width)]
    for place, one in enumerate(curve.bins):
        step = max(curve.start + place * curve.width, axis.start)
        if (column := axis.column(step)) is not None:
            cells[column].add(one)
    values = [cell.mean for cell in cells]
    if name == _STEP_TIME:
        most = _SPIKE * statistics.median([value for value in values if value is not None] or [0.0])
        values = [None if value is None else min(value, most) for value in values]
    elif name in _BYTES and curve.highest is not None:  # what changes by less than a twentieth is as good as level
        values = [None if value is None else round(20 * value / max(1.0, curve.highest[0])) for value in values]
    return sparkline(_filled(values, cells), look, bad=[cell.bad > 0 for cell in cells]).rstrip()


def _filled(values: Sequence[float | None], cells: Sequence[Bin]) -> list[float | None]:
    """Close the gaps of a curve that was taken at some steps only: a gap goes on with what stood before it."""
    known = [place for place, cell in enumerate(cells) if cell.finite or cell.bad]
    out = list(values)
    for place in range(known[0], known[-1]) if known else ():
        if out[place] is None and not cells[place].bad:
            out[place] = out[place - 1]
    return out


def _told(name: str, curve: Curve, look: Look) -> str:
    if curve.first is None or curve.last is None:
        return ""
    if name == _STEP_TIME and curve.highest is not None:
        num = sum(one.finite for one in curve.bins)
        mean = sum(one.total for one in curve.bins) / max(1, num)
        return f"mean {seconds(mean)}, longest {seconds(curve.highest[0])} at {curve.highest[1]:,}"
    first, last = curve.first[1], curve.last[1]
    if name in _BYTES and curve.highest is not None:
        text, most = f"{size(first)} {look.arrow} {size(last)}", size(curve.highest[0])
        return text if most in text else f"{text}, most {most}"
    if curve.lowest and curve.highest and curve.lowest[0] == curve.highest[0] and curve.first_bad is None:
        return f"{number(first)} throughout"
    text = f"{number(first)} {look.arrow} {number(last)}"
    if name in ("loss", "evaluation_loss") and curve.lowest and curve.lowest[0] not in (first, last):
        text += f", lowest {number(curve.lowest[0])} at {curve.lowest[1]:,}"
    return text


def _rate(name: str, training: Training) -> str:
    """Return how many samples or tokens a second a process makes, and from how many samples a step."""
    lanes = [lane for lane in training.lanes if name in lane.rates]
    text = f"mean {number(sum(lane.rates[name] for lane in lanes) / len(lanes))}" if lanes else ""
    if lanes and name == "samples":
        text += f", {number(lanes[0].most_samples)} a step"
    return f"{text}, each of {len(lanes)}" if len(lanes) > 1 else text


def _marks(findings: Sequence[Mapping[str, Any]], axis: _Axis) -> str:
    cells = [" "] * axis.width
    for mark, finding in zip(MARKS, findings, strict=False):
        column = axis.column(finding["step"]) if "step" in finding else None
        if column is not None and cells[column] == " ":
            cells[column] = mark
    return "".join(cells).rstrip()


def _layer(findings: Sequence[Mapping[str, Any]]) -> str:
    """Return where it showed first, by the earliest finding about such numbers that names a place."""
    told = [f for f in findings if f.get("layer") and "step" in f and f["rule"].endswith("nonfinite")]
    first = min(told, key=lambda finding: finding["step"], default=None)
    return f"first in {clean(first['layer'])}" if first else ""
