"""`parameter_report(model)`: every parameter and buffer of a model, as a table and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from typing_extensions import override

from otel_mldebug.instrument.training.debugging.stats import stats
from otel_mldebug.instrument.training.debugging.tables import table
from otel_mldebug.instrument.training.debugging.tensors import readable
from otel_mldebug.instrument.training.tensors.health import local
from otel_mldebug.instrument.training.tensors.layers import owner, plain
from otel_mldebug.rules.looks import Stats


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRow:
    """One parameter or buffer.

    Attributes:
        name: Qualified.
        shape: Sizes of its dimensions; None for a lazy one that has none yet.
        dtype: Name of its type.
        device: Where it is.
        trainable: Whether it requires gradients.
        buffer: Whether it is a buffer: part of the state, and never trained.
        gradient: Stats of its gradient; None when it has none, or one that cannot be read.
        stats: Of its elements; None where they cannot be read (meta, quantised).
        shared_with: Name under which the same tensor came before; empty when it is its own.
    """

    name: str
    shape: tuple[int, ...] | None
    dtype: str
    device: str
    trainable: bool
    buffer: bool = False
    gradient: Stats | None = None
    stats: Stats | None = None
    shared_with: str = ""

    @property
    def size(self) -> int:
        """Number of elements; 0 for a lazy one."""
        size = 0 if self.shape is None else 1
        for length in self.shape or ():
            size *= length
        return size


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterReport:
    """All parameters and buffers of a model. `str` gives a table.

    Attributes:
        model: Class of the model.
        rows: In the model's own order.
        size_bytes: Memory of all of them, shared ones counted once.
    """

    model: str
    rows: Sequence[ParameterRow]
    size_bytes: int

    @property
    def count(self) -> int:
        """Elements of all parameters, shared ones counted once."""
        return sum(row.size for row in self._own)

    @property
    def trainable(self) -> int:
        """Elements of those that require gradients."""
        return sum(row.size for row in self._own if row.trainable)

    @property
    def frozen(self) -> int:
        """Elements of those that do not."""
        return self.count - self.trainable

    @property
    def _own(self) -> list[ParameterRow]:
        return [row for row in self.rows if not row.buffer and not row.shared_with]

    @property
    def faults(self) -> tuple[str, ...]:
        """What looks wrong, in words; empty if nothing does."""
        found = [f"{row.name} holds NaN or infinite values" for row in self.rows if row.stats and row.stats.nonfinite]
        found += [f"{row.name} has no shape yet: run a forward pass first" for row in self.rows if row.shape is None]
        for row in self._own:
            if row.stats is not None and row.shape is not None and len(row.shape) > 1 and row.stats.zero == 1.0:
                found.append(f"{row.name} is all zeros")
        if self._own and not self.trainable:
            found.append("no parameter requires gradients")
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Return all as plain JSON values; what is unknown is left out."""
        return {
            "model": self.model,
            "parameters": self.count,
            "trainable": self.trainable,
            "frozen": self.frozen,
            "size_bytes": self.size_bytes,
            "faults": list(self.faults),
            "rows": [_json(row) for row in self.rows],
        }

    @override
    def __str__(self) -> str:
        head = ("name", "shape", "type", "norm", "mean", "std", "zero", "not finite", "gradient", "notes")
        share = f"{self.frozen / self.count:.0%}" if self.count else "0%"
        size = f"{self.size_bytes / 2**20:.1f} MiB"
        lines = [f"{self.model}: {self.count:,} parameters, {self.frozen:,} frozen ({share}), {size}"]
        if self.rows:
            lines.append(table(head, [_cells(row) for row in self.rows]))
        return "\n".join([*lines, *(f"! {fault}" for fault in self.faults)])


def parameter_report(model: Any) -> ParameterReport:
    """Return what the parameters and buffers of `model` are like. Reads them all, so it waits for their device.

    Args:
        model: A module of PyTorch.
    """
    import torch

    rows: list[ParameterRow] = []
    first: dict[int, str] = {}
    size_bytes = 0
    for is_buffer, (name, tensor) in (
        *((False, item) for item in model.named_parameters(remove_duplicate=False)),
        *((True, item) for item in model.named_buffers(remove_duplicate=False)),
    ):
        row = _row(torch, plain(name), tensor, is_buffer, first.get(id(tensor), ""))
        if not row.shared_with:
            first[id(tensor)] = row.name
            size_bytes += row.size * int(tensor.element_size()) if row.size else 0
        rows.append(row)
    return ParameterReport(model=type(model).__name__, rows=tuple(rows), size_bytes=size_bytes)


def _row(torch: Any, name: str, tensor: Any, is_buffer: bool, shared_with: str) -> ParameterRow:
    lazy = torch.nn.parameter.is_lazy(tensor)
    gradient = None if is_buffer or lazy else tensor.grad
    return ParameterRow(
        name=name,
        shape=None if lazy else tuple(tensor.shape),
        dtype=str(tensor.dtype).rpartition(".")[2],
        device=str(tensor.device),
        trainable=bool(tensor.requires_grad),
        buffer=is_buffer,
        gradient=None if gradient is None else _stats(torch, gradient),
        stats=None if lazy else _stats(torch, tensor),
        shared_with=shared_with,
    )


def _stats(torch: Any, tensor: Any) -> Stats | None:
    dense = local(torch, tensor) if readable(torch, tensor) else None
    return None if dense is None or dense.is_complex() else stats(torch, dense)


def _json(row: ParameterRow) -> dict[str, Any]:
    found = {**asdict(row), "layer": owner(row.name), "size": row.size}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items() if v not in (None, "")}


def _cells(row: ParameterRow) -> list[str]:
    s = row.stats
    numbers = ["", "", ""] if s is None else [f"{x:.3g}" for x in (s.norm, s.mean, s.std)]
    notes = ["buffer"] if row.buffer else [] if row.trainable else ["frozen"]
    notes += [f"same as {row.shared_with}"] if row.shared_with else []
    return [
        row.name,
        "not known yet" if row.shape is None else str(row.shape),
        row.dtype,
        *numbers,
        f"{s.zero:.0%}" if s is not None else "",
        f"{s.nonfinite:.1%}" if s is not None and s.nonfinite else "",
        "" if row.gradient is None else f"{row.gradient.norm:.3g}",
        ", ".join(notes),
    ]
