"""Which parameters never change, and what the looks say about why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from otel_mldebug.rules.detectors.layers.reading import mixes
from otel_mldebug.rules.detectors.once import once
from otel_mldebug.rules.looks import Look, Parameter

LOOKS = 3
"""Looks that have to say that a parameter has not changed since the look before."""
STEPS = 10
"""Steps between the first and the last of them, at least: several optimizers take turns."""
START = 10
"""Last step of an optimizer, from 0, at which the first look counts as one of the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one trainable parameter over all looks.

    Attributes:
        latest: It, in the latest look.
        place: Where it is in the latest look, in forward order.
        changed: Whether it changed in any look; None when too few looks tell.
        held: Whether an optimizer held it in any look.
        reached: Whether the loss depended on it, or it had a gradient, in any look; None when that was not seen.
        gradient: Largest norm of its gradient over the looks; None when it never had one.
    """

    latest: Parameter
    place: int
    changed: bool | None
    held: bool
    reached: bool | None
    gradient: float | None

    @property
    def idle(self) -> bool:
        """Whether it is known never to have changed."""
        return self.changed is False


def fates(looks: Sequence[Look], least: int = STEPS) -> Sequence[Fate]:
    """Return what became of the parameters that were trainable in all looks, those that count, in forward order.

    Weights that mix their inputs count; all of them where there are none of those. Nothing is returned while the looks
    are not of the start or too close together, since a solved problem does not move either, nor while all changes.

    Args:
        looks: Of one optimizer, oldest first.
        least: Steps between the first look and the latest, at least.
    """
    if looks[0].step - looks[0].began > START or looks[-1].step - looks[0].step < least:
        return []
    if not any(p.changed is False for look in looks[-2:] for p in look.parameters):
        return []  # the usual case, at no cost
    return _fates(looks)


@once
def _fates(looks: Sequence[Look]) -> list[Fate]:
    seen: dict[tuple[str, int], list[tuple[Look, Parameter]]] = {}
    places: dict[tuple[str, int], int] = {}
    for look in looks:
        times: Counter[str] = Counter()
        places.clear()
        for place, parameter in enumerate(look.parameters):
            key = parameter.name, times[parameter.name]  # models of one class share names
            times[parameter.name] += 1
            places[key] = place
            seen.setdefault(key, []).append((look, parameter))
    found = [_fate(seen[key], place) for key, place in places.items() if all(p.trainable for _, p in seen[key])]
    return [f for f in found if mixes(f.latest)] or [f for f in found if "Embedding" not in f.latest.module]


def _fate(history: Sequence[tuple[Look, Parameter]], place: int) -> Fate:
    told: list[bool] = []
    for (_, earlier), (_, later) in pairwise(history):
        if later.changed is None:
            continue
        if later.changed or earlier.learning_rate != 0:  # a warm-up starts at 0, and what it holds stays
            told.append(later.changed)
    if history[0][1].weight != history[-1][1].weight:
        told.append(True)  # in looks between them that are no longer kept
    known = any(told) or len(told) >= LOOKS
    gradients = [p.gradient.norm for _, p in history if p.gradient is not None and p.gradient.nonfinite == 0]
    reached = [p.reached for _, p in history if p.reached is not None]
    broken = any(p.gradient is not None and p.gradient.nonfinite > 0 for _, p in history)
    return Fate(
        latest=history[-1][1],
        place=place,
        changed=None if broken or not known else any(told),
        held=any(p.optimized for _, p in history),
        reached=True if any(reached) or gradients or broken else (False if reached else None),
        gradient=max(gradients) if gradients else None,
    )
