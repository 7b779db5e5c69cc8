"""Numbers of many tensors at once: samples of one length are stacked, so that a look costs few calls of PyTorch.

The same way goes for GPUs: all numbers of a stage are one vector, which is copied without waiting for it.
"""

import math
from collections.abc import Sequence
from typing import Any

from otel_mldebug.instrument.training.devices.pinned import Copy, Devices
from otel_mldebug.instrument.training.looks.rows import COLUMNS, rows, together
from otel_mldebug.instrument.training.looks.tensors import Flattener
from otel_mldebug.rules.looks import Stats

_SPLIT = (1 << 21, 1 << 42)
SHORT = 256
"""Samples up to this length become rows of one matrix, longer ones of another: few calls, little to fill up."""


class Slot:
    """Where the numbers of one tensor will be once they are known. It holds no tensor.

    Attributes:
        size: Elements of the tensor.
        sampled: How many of them were looked at.
        row: The numbers, as `rows` makes them; None as long as they are on their way.
        norm: Exact norm, or for scalars their value; None where there is none.
        scale: What all values have to be divided by: another slot, or None.
    """

    __slots__ = ("_stats", "norm", "row", "sampled", "scale", "size")

    def __init__(self, size: int, sampled: int) -> None:
        self.size = size
        self.sampled = sampled
        self.row: Sequence[float] | None = None
        self.norm: float | None = None
        self.scale: Slot | None = None
        self._stats: Stats | None = None

    def stats(self) -> Stats | None:
        """Return the statistics; None if the numbers never arrived."""
        if self._stats is None and self.row is not None:
            self._stats = self._made(self.row)
        return self._stats

    def _made(self, row: Sequence[float]) -> Stats:
        if not self.size:
            return Stats(size=0, norm=0.0, mean=0.0, std=0.0, low=0.0, high=0.0)
        norm, mean, std, low, high, zero, nonfinite, tiny = row[:8]
        if self.norm is not None and math.isfinite(self.norm):
            norm = self.norm
        elif self.size != self.sampled:
            norm *= math.sqrt(self.size / self.sampled)
        if self.scale is not None and self.scale.norm:
            by = 1.0 / self.scale.norm
            norm, mean, std, low, high = norm * by, mean * by, std * by, low * by, high * by
        return Stats(
            size=self.size, norm=norm, mean=mean, std=std, low=low, high=high, zero=zero, nonfinite=nonfinite, tiny=tiny
        )

    def digest(self) -> int:
        """Return a number that is the same for equal contents; 0 when it is not known."""
        if self.row is None or not self.size:
            return 0
        low, middle, high = self.row[8:11]
        return int(low) + int(middle) * _SPLIT[0] + int(high) * _SPLIT[1]


Group = tuple[list[Slot], bool]
"""Slots, and whether each gets a single value and not a row."""


class Readings:
    """The numbers of one look that are still on a device. One copy for each device brings all of them."""

    def __init__(self) -> None:
        self._there: dict[Any, list[tuple[Any, list[Group]]]] = {}
        self._waiting: list[tuple[Copy, list[Group]]] = []

    def add(self, vector: Any, groups: list[Group]) -> None:
        """Take over a vector of float32: rows, or single values, for each group of slots."""
        self._there.setdefault(vector.device, []).append((vector, groups))

    def send(self, torch: Any, devices: Devices) -> None:
        """Start to copy all of them. What cannot be copied now stays unknown."""
        for parts in self._there.values():
            vector = parts[0][0] if len(parts) == 1 else torch.cat([part for part, _ in parts])
            copy = devices.ship(vector)
            if copy is not None:
                self._waiting.append((copy, [group for _, groups in parts for group in groups]))
        self._there.clear()

    def ready(self) -> bool:
        """Return whether all have arrived. Never waits."""
        return all(copy.ready() for copy, _ in self._waiting)

    def fill(self) -> None:
        """Put what has arrived into its slots."""
        for copy, groups in self._waiting:
            if not copy.ready():
                continue
            values, place = copy.values(), 0
            for slots, single in groups:
                for slot in slots:
                    if single:
                        slot.norm, place = values[place], place + 1
                    else:
                        slot.row, place = values[place : place + COLUMNS], place + COLUMNS
        self._waiting.clear()


class Sheet:
    """Tensors of one stage of a look that are to be measured. It lets go of them when it has.

    Args:
        torch: The module.
        devices: How to read from which device.
    """

    def __init__(self, torch: Any, devices: Devices) -> None:
        self._torch = torch
        self._devices = devices
        self._flattener = Flattener(torch)
        self._groups: dict[Any, tuple[list[Any], list[Slot]]] = {}
        self._exact: dict[Any, tuple[list[Any], list[Slot]]] = {}
        self._scalars: dict[Any, tuple[list[Any], list[Slot]]] = {}
        self._vectors: list[tuple[Any, list[Slot]]] = []
        self._known: dict[Any, Slot] = {}
        self._tiny = {t: torch.finfo(t).tiny for t in (torch.float16, torch.bfloat16, torch.float32, torch.float64)}

    def local(self, tensor: Any) -> Any:
        """Return the part of `tensor` that can be computed with here; None when there is none."""
        found = self._flattener.local(tensor)
        return found if found is not None and self.readable(found) else None

    def readable(self, tensor: Any) -> bool:
        """Return whether numbers of a local tensor can be had, now or later."""
        return bool(self._devices.direct(tensor) or self._devices.watchable(tensor))

    def add(self, tensor: Any, most: int, *, exact: bool = False, digest: bool = False) -> Slot | None:
        """Have `tensor` measured; None if it cannot be.

        Args:
            tensor: Any.
            most: Elements of its sample.
            exact: Its norm is that of all elements.
            digest: Contents are told apart from others.
        """
        tensor = self._flattener.local(tensor)
        if tensor is None or not (self._devices.direct(tensor) or self._devices.watchable(tensor)):
            return None
        key = (tensor.data_ptr(), tensor.shape, tensor.dtype, exact, digest)
        found = self._known.get(key)
        if found is not None:
            return found
        size = tensor.numel()
        if not size:
            slot = Slot(0, 0)
            slot.row = ()
            return slot
        sample = self._flattener.sample(tensor, most)
        slot = self._known[key] = Slot(size, sample.numel())
        # On a GPU only those of one length go together: to send lengths there would be to wait for it.
        kind = sample.numel() > SHORT if self._devices.direct(tensor) else sample.shape
        group = (kind, sample.dtype, tensor.device, self._tiny.get(tensor.dtype, 0.0), digest)
        self._put(self._groups, group, sample, slot)
        if exact and size > slot.sampled and tensor.is_floating_point():
            self._put(self._exact, (tensor.device, tensor.dtype), tensor, slot)
        return slot

    def scalar(self, tensor: Any) -> Slot:
        """Have the value of a tensor with one element read: it will be the slot's `norm`."""
        slot = Slot(1, 1)
        self._put(self._scalars, tensor.device, tensor.detach().reshape(()), slot)
        return slot

    def scalars(self, vector: Any, count: int) -> list[Slot]:
        """Have the `count` values of a vector read: each will be the `norm` of its slot."""
        slots = [Slot(1, 1) for _ in range(count)]
        self._vectors.append((vector, slots))
        return slots

    def stacked(self, tensors: "list[Any]", most: int) -> Any:
        """Return samples of tensors of one kind, one in each row, as `measure` keeps them."""
        take = self._flattener
        return together(self._torch, [take.sample(take.local(tensor), most) for tensor in tensors])[0]

    @staticmethod
    def _put(where: dict[Any, tuple[list[Any], list[Slot]]], key: Any, tensor: Any, slot: Slot) -> None:
        tensors, slots = where.setdefault(key, ([], []))
        tensors.append(tensor)
        slots.append(slot)

    def measure(self, readings: Readings, kept: "list[tuple[Any, list[Slot]]] | None" = None) -> None:
        """Compute everything that was asked for since the last time, and let go of the tensors.

        Args:
            readings: Gets what cannot be read at once.
            kept: Gets each stack of samples with its slots.
        """
        torch = self._torch
        parts: dict[Any, list[tuple[Any, list[Slot], bool]]] = {}
        for (_, _, device, tiny, digest), (tensors, slots) in self._groups.items():
            stacked, counts = together(torch, tensors)
            if len(tensors) == 1 and kept is not None:
                stacked = stacked.clone()
            direct = self._devices.direct(tensors[0])
            found = rows(torch, stacked, tiny, direct=direct, digest=digest, counts=counts)
            parts.setdefault((device, direct), []).append((found, slots, False))
            if kept is not None:
                kept.append((stacked, slots))
        half = (torch.float16, torch.bfloat16)
        for (device, dtype), (tensors, slots) in self._exact.items():
            norms = torch._foreach_norm(tensors, 2, torch.float32) if dtype in half else torch._foreach_norm(tensors)
            parts.setdefault((device, self._devices.direct(tensors[0])), []).append((torch.stack(norms), slots, True))
        for device, (tensors, slots) in self._scalars.items():
            values = torch.stack([t.to(torch.float32) for t in tensors])
            parts.setdefault((device, self._devices.direct(tensors[0])), []).append((values, slots, True))
        for values, slots in self._vectors:
            parts.setdefault((values.device, self._devices.direct(values)), []).append((values, slots, True))
        self.forget()
        self._read(parts, readings)

    def forget(self) -> None:
        """Let go of everything that was asked for and not measured."""
        for held in (self._groups, self._exact, self._scalars, self._vectors, self._known):
            held.clear()

    def _read(self, parts: dict[Any, list[tuple[Any, list[Slot], bool]]], readings: Readings) -> None:
        for (_, direct), group in parts.items():
            if direct:
                for values, slots, single in group:
                    for slot, value in zip(slots, values.tolist(), strict=True):
                        if single:
                            slot.norm = value
                        else:
                            slot.row = value
            else:
                vector = self._torch.cat([values.reshape(-1).to(self._torch.float32) for values, _, _ in group])
                readings.add(vector, [(slots, single) for _, slots, single in group])
