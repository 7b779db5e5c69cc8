"""The layers of a run for the terminal: gradients, weights, updates and dead units, in forward order. Pure."""

from collections.abc import Iterator, Sequence

from otel_mldebug.cli.render import Look, clean, cut, number, pad, percent, sparkline
from otel_mldebug.store.looks import LayerCurve

MOST = 60
"""Layers that are shown; of more, those that something is wrong with, and then the first ones."""
_SPARK = 16
_HEAD = ("layer", "parameters", "gradient norm", "", "weight norm", "update", "dead", "")
_LEFT = (0, 3, 7)
"""Columns whose text begins at the left."""


def lines(layers: Sequence[LayerCurve], look: Look) -> list[str]:
    """Return a table with a row for each layer, and what was left out of it."""
    if not layers:
        return [
            "No look at layers was recorded. Looks are taken at the first steps and as often as the budget allows;",
            "more of them: OTEL_MLDEBUG_LAYERS=50 (every 50 steps)",
        ]
    num = max(len(layer.steps) for layer in layers)
    shown = _chosen(layers)
    rows = [_HEAD, *(_row(layer, look) for layer in shown)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    widths[0] = min(widths[0], max(10, look.width - sum(widths[1:]) - 2 * (len(_HEAD) - 1)))
    out = []
    for row, layer in zip(rows, (None, *shown), strict=True):
        cells = [cut(row[0], widths[0], look), *row[1:]]
        line = "  ".join(pad(cell, widths[i], right=i not in _LEFT) for i, cell in enumerate(cells))
        style = "faint" if layer is None else "bad" if layer.first_bad is not None else ""
        out.append(look.paint(cut(line.rstrip(), look.width, look), style))
    first, last = min(layer.steps[0] for layer in layers), max(layer.steps[-1] for layer in layers)
    out.append(look.paint(f"{num} look{'s' * (num != 1)} between step {first:,} and step {last:,}", "faint"))
    if len(shown) < len(layers):
        out.append(look.paint(f"{len(shown)} of {len(layers)} layers; all of them: --layers --json", "faint"))
    return out


def _chosen(layers: Sequence[LayerCurve]) -> list[LayerCurve]:
    if len(layers) <= MOST:
        return list(layers)
    ranked = sorted(range(len(layers)), key=lambda place: (layers[place].first_bad is None, place))
    return [layers[place] for place in sorted(ranked[:MOST])]


def _row(layer: LayerCurve, look: Look) -> tuple[str, ...]:
    gradients = layer.series["gradient_norm"]
    dead = layer.latest("dead")
    return (
        clean(layer.name),
        number(layer.parameters),
        _told(layer.latest("gradient_norm")),
        sparkline(gradients[-_SPARK:], look) if any(value is not None for value in gradients) else "",
        _told(layer.latest("weight_norm")),
        _told(layer.latest("update_ratio")),
        "" if dead is None else percent(dead),
        "".join(_remarks(layer)),
    )


def _remarks(layer: LayerCurve) -> Iterator[str]:
    if layer.first_bad is not None:
        yield f"not finite from step {layer.first_bad:,}"
    elif not layer.trainable:
        yield "frozen"
    elif all(value is None for value in layer.series["gradient_norm"]):
        yield "no gradient"


def _told(value: float | None) -> str:
    return "" if value is None else number(value)
