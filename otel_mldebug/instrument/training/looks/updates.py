"""What a step has changed: how large the update was, and whether anything is different from the look before."""

import weakref
from collections.abc import Iterable
from typing import Any

from otel_mldebug.instrument.training.looks.parameters import Draft, sample_size
from otel_mldebug.instrument.training.looks.sheet import Sheet, Slot

MOST_REMEMBERED = 8192
_SHORT = ("float16", "bfloat16")
"""Types in which an update may be too small to change a number at all."""


class Remembered:
    """Weights as the latest look saw them: digests, no tensors."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], Slot]] = {}

    def compare(self, found: Iterable[tuple[Draft, Any]]) -> None:
        """Tell each parameter what it was, and remember what it is."""
        known = self._known
        if len(known) > MOST_REMEMBERED:
            self._known = known = {key: entry for key, entry in known.items() if entry[0]() is not None}
        for draft, parameter in found:
            if draft.weight is None or (draft.optimized and not draft.mine):
                continue  # between two looks of several optimizers, those of another one need not have had a step
            entry = known.get(draft.key)
            if entry is not None and entry[0]() is parameter:
                draft.before = entry[1]
                known[draft.key] = (entry[0], draft.weight)
            else:
                known[draft.key] = (weakref.ref(parameter), draft.weight)


def updates(
    torch: Any, sheet: Sheet, stacks: Iterable[tuple[Any, list[Slot]]], found: Iterable[tuple[Draft, Any]]
) -> None:
    """Compare samples of weights with those from before the step.

    Args:
        torch: The module.
        sheet: Gets the ratios.
        stacks: Samples from before, with the slots of the weights.
        found: The parameters; the `update` of each that has been sampled is filled in.
    """
    found = list(found)
    most = sample_size(len(found))
    of = {id(draft.weight): (draft, parameter) for draft, parameter in found if draft.weight is not None}
    for before, slots in stacks:
        now = sheet.stacked([of[id(slot)][1] for slot in slots], most)
        norms = torch.linalg.vector_norm(before, dim=1)
        ratios = (torch.linalg.vector_norm(now - before, dim=1) / norms).where(norms > 0, torch.nan)
        for slot, made in zip(slots, sheet.scalars(ratios, len(slots)), strict=True):
            of[id(slot)][0].update = made
        if any(of[id(slot)][0].dtype in _SHORT for slot in slots):
            moved = (now != before).sum(dim=1).to(norms.dtype)
            for slot, made in zip(slots, sheet.scalars(moved, len(slots)), strict=True):
                of[id(slot)][0].moved = made
