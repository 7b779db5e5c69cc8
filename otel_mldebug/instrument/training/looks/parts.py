"""What went into a step from outside: the tensors of its batches, and those that the graph saved and did not make."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from otel_mldebug.instrument.training.looks.operations import Outside
from otel_mldebug.instrument.training.looks.sheet import Sheet, Slot
from otel_mldebug.instrument.training.tensors.health import tensors_of
from otel_mldebug.rules.looks import Part

MOST_PARTS = 16
MOST_ELEMENTS = 1 << 16
"""Elements of a sample of one part."""
MOST_FEATURES = 1 << 20
"""Elements of a part of which features and repeated samples are looked at; of larger ones the first samples."""
MOST_COLUMNS = 4096
"""Elements of one sample that are compared with others."""
MOST_CORRECTED = 16
"""Samples for each class from which on an entropy says something: its correction is at most 1/32 then."""
_INPUTS = frozenset({"mat1", "input", "self", "indices", "query"})
_LAYERS = (
    "Addmm", "Mm", "Bmm", "Linear", "MkldnnLinear", "Convolution", "Embedding", "EmbeddingBag", "NativeBatchNorm",
    "CudnnBatchNorm", "NativeLayerNorm", "NativeGroupNorm", "CudnnRnn", "MkldnnRnnLayer",
)  # fmt: skip
"""Operations with weights of their own: what they take from outside is an input of the model."""


@dataclass(slots=True)
class Draft:
    """One part whose numbers may be on their way."""

    place: str
    role: str
    shape: tuple[int, ...]
    dtype: str
    slot: Slot | None
    features: tuple[Slot, Slot] | None
    repeated: float
    guess: Slot | None = None

    def made(self) -> Part:
        """Return it with the numbers that have arrived."""
        features: tuple[float, ...] = ()
        if self.features is not None:
            low, high = (slot.norm for slot in self.features)
            features = (low, high) if low is not None and high is not None else ()
        return Part(
            place=self.place,
            role=self.role,
            shape=self.shape,
            dtype=self.dtype,
            stats=self.slot.stats() if self.slot is not None else None,
            digest=self.slot.digest() if self.slot is not None else 0,
            features=features,
            repeated=self.repeated,
            guess=self.guess.norm if self.guess is not None else None,
        )


class Parts:
    """Collects parts.

    Args:
        torch: The module.
        sheet: Gets the tensors.
    """

    def __init__(self, torch: Any, sheet: Sheet) -> None:
        self._torch = torch
        self._sheet = sheet

    def collect(self, batches: Iterable[Any], outside: Iterable[Outside], inner: set[int]) -> list[Draft]:
        """Return drafts of what went in.

        Args:
            batches: Out of data loaders.
            outside: What the graph has saved.
            inner: Addresses of parameters and buffers, which are no input.
        """
        roles: dict[int, tuple[str, str]] = {}
        loose: dict[int, tuple[Outside, str]] = {}
        for one in outside:
            role = role_of(one)
            if role and (address := _address(one.tensor)) not in inner:
                roles.setdefault(address, (role, one.kind))
                loose.setdefault(address, (one, role))
        drafts: list[Draft] = []
        for place, tensor in self._batches(batches):
            address = _address(tensor)
            loose.pop(address, None)
            drafts.append(self._draft(place, *roles.get(address, ("", "")), tensor))
        drafts.extend(self._draft(one.kind, role, one.kind, one.tensor) for one, role in loose.values())
        return drafts[:MOST_PARTS]

    def _batches(self, batches: Iterable[Any]) -> Iterator[tuple[str, Any]]:
        found = [batch for batch in batches if batch is not None]
        for number, batch in enumerate(found):
            yield from tensors_of(self._torch, batch, "batch" if len(found) == 1 else f"batch{number}")

    def _draft(self, place: str, role: str, user: str, tensor: Any) -> Draft:
        local = self._sheet.local(tensor)
        slot = self._sheet.add(tensor, MOST_ELEMENTS, digest=True)
        features, repeated, guess = None, 0.0, None
        if local is not None and slot is not None and slot.size and local.dim() and local.shape[0] > 1:
            most = max(2, MOST_FEATURES * int(local.shape[0]) // slot.size)
            samples = local[:most]
            if local.is_floating_point() and local.dim() > 1:
                features = self._features(samples)
            if role == "target":
                guess = self._guess(samples, user)
            if local.is_cpu and local.dim() > 1:
                repeated = self._repeated(samples)
        return Draft(
            place, role, tuple(tensor.shape), str(tensor.dtype).rpartition(".")[2], slot, features, repeated, guess
        )

    def _guess(self, targets: Any, loss: str) -> Slot | None:
        """Return what the best constant costs.

        Source of the correction for few samples: Miller, "Note on the bias of information estimates", 1955. Of n
        samples in k classes the entropy is (k - 1) / 2n too small.
        """
        if not targets.is_floating_point():
            return self._entropy(targets) if targets.is_cpu else None
        wide = targets.to(self._torch.float32)
        if not loss.startswith("BinaryCrossEntropy"):
            return self._sheet.scalar(wide.var(0).mean())
        if len(wide) < 2 * MOST_CORRECTED:
            return None
        share, entropy = wide.mean(0), self._torch.special.entr
        return self._sheet.scalar((entropy(share) + entropy(1 - share)).mean() + 0.5 / len(wide))

    def _entropy(self, classes: Any) -> Slot | None:
        """Return the entropy of class numbers, of which those below 0 do not count; None where they are few."""
        some = classes.reshape(-1)[:: max(1, classes.numel() // MOST_ELEMENTS)]
        counts = self._torch.bincount(some[some >= 0])
        counts = counts[counts > 0].to(self._torch.float64)
        number, kinds = float(counts.sum()), len(counts)
        if number < MOST_CORRECTED * max(2, kinds):
            return None
        return self._sheet.scalar(self._torch.special.entr(counts / number).sum() + (kinds - 1) / (2 * number))

    def _features(self, samples: Any) -> tuple[Slot, Slot]:
        channels = 1 if samples.dim() == 4 else samples.dim() - 1
        flat = samples.to(self._torch.float32).movedim(channels, 0).reshape(samples.shape[channels], -1)
        spread = self._torch.linalg.vector_norm(flat - flat.mean(1, keepdim=True), dim=1)  # faster than `std` by far
        low, high = self._torch.aminmax(spread / flat.shape[1] ** 0.5)
        return self._sheet.scalar(low), self._sheet.scalar(high)

    def _repeated(self, samples: Any) -> float:
        rows = samples.reshape(samples.shape[0], -1)
        if rows.shape[1] > MOST_COLUMNS:
            rows = rows[:, :: -(-rows.shape[1] // MOST_COLUMNS)]
        weights = (self._torch.arange(1, rows.shape[1] + 1, device=rows.device, dtype=self._torch.float64)).sqrt()
        keys = (rows.to(self._torch.float64) @ weights).tolist()
        return 1.0 - len({struct.pack("d", key) for key in keys}) / len(keys)


def role_of(one: Outside) -> str:
    """Return what a tensor from outside is to the operation that saved it."""
    if one.name == "target":
        return "target"
    return "input" if one.name in _INPUTS and one.kind in _LAYERS else ""


def _address(tensor: Any) -> int:
    try:
        return int(tensor.data_ptr()) or id(tensor)
    except (RuntimeError, NotImplementedError):  # no storage of its own
        return id(tensor)
