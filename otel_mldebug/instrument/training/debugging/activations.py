"""What the layers of a model put out in one forward pass: the report of `watch(model).activations()`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from typing_extensions import override

from otel_mldebug.instrument.training.debugging.stats import stats
from otel_mldebug.instrument.training.debugging.tables import table
from otel_mldebug.instrument.training.debugging.tensors import readable
from otel_mldebug.rules.looks import Stats

_ENDS = {"Sigmoid": (0.0, 1.0), "Hardsigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0), "Hardtanh": (-1.0, 1.0),
         "Softmax": (0.0, 1.0)}  # fmt: skip
_NEAR = 0.01
"""Share of the range at either end in which an element counts as saturated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What one layer put out.

    Attributes:
        layer: Qualified name; the class for the model itself.
        kind: Class.
        shape: Of its (first) output.
        dtype: Of its output.
        stats: Of the elements; None for those that are not numbers.
        dead: Share of units that are 0 for every sample, 0 to 1; None where there are fewer than two samples.
        saturated: Share of elements at the ends of the range of a sigmoid, tanh or softmax, 0 to 1; None elsewhere.
    """

    layer: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    stats: Stats | None = None
    dead: float | None = None
    saturated: float | None = None


@dataclass(frozen=True, slots=True)
class ActivationReport:
    """What all layers put out, in the order in which they ended. `str` gives a table.

    Attributes:
        rows: One for each layer that was called.
    """

    rows: Sequence[Activation] = ()

    def to_json(self) -> list[dict[str, Any]]:
        """Return the rows as plain JSON values; what is unknown is left out."""
        rows = (asdict(row) for row in self.rows)
        return [{k: list(v) if isinstance(v, tuple) else v for k, v in row.items() if v is not None} for row in rows]

    @override
    def __str__(self) -> str:
        head = ("layer", "kind", "shape", "mean", "std", "min", "max", "zero", "dead", "saturated", "not finite")
        return table(head, [_cells(row) for row in self.rows]) if self.rows else "No forward pass has been seen yet."


def activation(torch: Any, layer: str, kind: str, tensor: Any) -> Activation:
    """Return what `tensor`, the output of a layer, is like. Waits for its device."""
    shape, dtype = tuple(tensor.shape), str(tensor.dtype).rpartition(".")[2]
    plain = readable(torch, tensor) and tensor.layout is torch.strided and not tensor.is_nested
    found = stats(torch, tensor) if plain else None
    if found is None or not tensor.is_floating_point() or not tensor.numel():
        return Activation(layer=layer, kind=kind, shape=shape, dtype=dtype, stats=found)
    with torch.no_grad():
        values = tensor.detach()
        return Activation(
            layer=layer, kind=kind, shape=shape, dtype=dtype, stats=found, dead=_dead(values),
            saturated=_saturated(values, _ENDS.get(kind)),
        )  # fmt: skip


def _dead(values: Any) -> float | None:
    """Return the share of channels (of images) or features that are 0 in the whole batch."""
    if values.dim() < 2 or values.shape[0] < 2:
        return None
    unit = 1 if values.dim() >= 4 else values.dim() - 1
    others = [d for d in range(values.dim()) if d != unit]
    return float((values == 0).all(dim=others[0]).float().mean()) if len(others) == 1 else _dead_of(values, unit)


def _dead_of(values: Any, unit: int) -> float:
    rows = (values == 0).movedim(unit, 0).reshape(values.shape[unit], -1)
    return float(rows.all(dim=1).float().mean())


def _saturated(values: Any, ends: tuple[float, float] | None) -> float | None:
    if ends is None:
        return None
    low, high = ends
    near = _NEAR * (high - low)
    return float(((values <= low + near) | (values >= high - near)).float().mean())


def _cells(row: Activation) -> list[str]:
    s = row.stats
    numbers = ["", "", "", "", "", ""] if s is None else [f"{x:.3g}" for x in (s.mean, s.std, s.low, s.high)]
    shares = ["" if x is None else f"{x:.0%}" for x in (s.zero if s else None, row.dead, row.saturated)]
    bad = f"{s.nonfinite:.1%}" if s is not None and s.nonfinite else ""
    return [row.layer, row.kind, str(row.shape), *numbers[:4], *shares, bad]
