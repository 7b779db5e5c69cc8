"""Every parameter of the models that an optimizer trains: weights, gradients, and what the step did to them."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from otel_mldebug.instrument.training.looks.models import Models, Place
from otel_mldebug.instrument.training.looks.sheet import Sheet, Slot
from otel_mldebug.rules.looks import Parameter, Stats

MOST_ELEMENTS, LEAST_ELEMENTS = 2048, 256
"""Elements of a sample of a weight, or of its gradient; norms are of all elements."""
ALL_ELEMENTS = 100_000
"""Elements of all samples of weights, as long as each has the least."""
_RARE = 0.98
"""Share of zeros in the sample of a gradient from which the sample says little of what the step changes."""


@dataclass(slots=True)
class Draft:
    """One parameter whose numbers may be on their way."""

    place: Place
    key: int
    shape: tuple[int, ...]
    dtype: str
    trainable: bool
    optimized: bool
    mine: bool
    reached: bool | None
    decay: float
    rate: float | None
    momentum: float
    epsilon: float = 0.0
    contested: bool = False
    aside: bool = False
    cut: str = ""
    weight: Slot | None = None
    gradient: Slot | None = None
    update: Slot | None = None
    moved: Slot | None = None
    before: Slot | None = None

    def made(self) -> Parameter:
        """Return it with the numbers that have arrived."""
        weight = self.weight.stats() if self.weight is not None else None
        gradient = self.gradient.stats() if self.gradient is not None else None
        rare = gradient is not None and gradient.zero >= _RARE and gradient.norm > 0
        changed = None
        if self.before is not None and self.weight is not None and (now := self.weight.digest()):
            changed = True if now != self.before.digest() else (None if rare else False)
        ratio = self.update.norm if self.update is not None and self.mine and gradient is not None else None
        if ratio is not None and ((rare and not ratio) or not math.isfinite(ratio)):
            ratio = None
        return Parameter(
            name=self.place.name,
            layer=self.place.layer,
            module=self.place.module,
            shape=self.shape,
            dtype=self.dtype,
            trainable=self.trainable,
            optimized=self.optimized,
            reached=self.reached,
            weight=weight,
            gradient=gradient,
            update_ratio=ratio,
            changed=changed,
            decay=self.decay,
            learning_rate=self.rate,
            momentum=self.momentum,
            epsilon=self.epsilon,
            contested=self.contested,
            aside=self.aside,
            cut=self.cut,
            unmoved=self._unmoved(gradient),
        )

    def _unmoved(self, gradient: Stats | None) -> float | None:
        """Return the share of elements that the update left as they were, of those with a gradient."""
        if self.moved is None or self.moved.norm is None or self.weight is None or gradient is None or not self.mine:
            return None
        with_gradient = self.weight.sampled * (1 - gradient.zero)
        return max(0.0, 1 - self.moved.norm / with_gradient) if with_gradient else None


class Parameters:
    """Collects the parameters of one look.

    Args:
        torch: The module.
        sheet: Gets weights and gradients.
    """

    def __init__(self, torch: Any, sheet: Sheet) -> None:
        self._torch = torch
        self._sheet = sheet

    def collect(
        self,
        models: Models,
        optimizer: Any,
        others: Sequence[Any],
        leaves: Mapping[int, int] | None,
        *,
        whole: bool,
    ) -> list[tuple[Draft, Any]]:
        """Return a draft of each parameter with the parameter, in forward order as far as the graph tells.

        Args:
            models: Those that hold the optimizer's parameters.
            optimizer: The one that steps; None where there is none.
            others: All other optimizers that are there.
            leaves: What the loss depends on, with the place of the first operation that uses it; None when not seen.
            whole: Whether what is not among `leaves` is certain not to be reached.
        """
        groups = {id(p): g for g in optimizer.param_groups for p in g["params"]} if optimizer is not None else {}
        held = {id(p): g for other in others for g in other.param_groups for p in g["params"]}
        places = dict(models.places)
        if optimizer is not None:
            loose = [p for g in optimizer.param_groups for p in g["params"] if id(p) not in places]
            places.update((id(p), Place(models.label(p, n), "", "", p)) for n, p in enumerate(loose))
        contested = _contested(groups.keys(), others)
        found = []
        terms: dict[int, tuple[float, float | None, float, float]] = {}
        for key, place in places.items():
            parameter = place.parameter
            group = groups.get(key) or held.get(key)
            own = id(group)
            if own not in terms:
                terms[own] = self._terms(group) if group is not None else (0.0, None, 0.0, 0.0)
            decay, rate, momentum, epsilon = terms[own]
            draft = Draft(
                place,
                key,
                shape=tuple(parameter.shape),
                dtype=str(parameter.dtype).rpartition(".")[2],
                trainable=bool(parameter.requires_grad),
                optimized=group is not None,
                mine=key in groups,
                reached=reach(key, leaves, whole=whole),
                decay=decay,
                rate=rate,
                momentum=momentum,
                epsilon=epsilon,
                contested=key in contested,
            )
            found.append((draft, parameter))
        return _forward(found, leaves) if leaves else found

    def weights(self, found: Sequence[tuple[Draft, Any]]) -> None:
        """Have the weights measured."""
        most = sample_size(len(found))
        for draft, parameter in found:
            draft.weight = self._sheet.add(parameter, most, exact=True, digest=True)

    def gradients(self, found: Sequence[tuple[Draft, Any]], scale: Slot | None) -> None:
        """Have the gradients measured; what they have been multiplied by comes out of `scale`."""
        most = sample_size(len(found))
        for draft, parameter in found:
            gradient = parameter.grad
            if gradient is not None:
                draft.gradient = self._sheet.add(gradient, most, exact=True)
                if draft.gradient is not None and scale is not None:
                    draft.gradient.scale = scale

    def _terms(self, group: Mapping[str, Any]) -> tuple[float, float | None, float, float]:
        """Return weight decay, learning rate, momentum and epsilon of a group."""
        decay, epsilon = _number(group.get("weight_decay")), _number(group.get("eps"))
        return decay or 0.0, self._rate(group), momentum_of(group), epsilon or 0.0

    def _rate(self, group: Mapping[str, Any]) -> float | None:
        rate = group.get("lr")
        if isinstance(rate, self._torch.Tensor):
            return float(rate) if rate.is_cpu and rate.numel() == 1 else None
        return _number(rate)


def reach(key: int, leaves: Mapping[int, int] | None, *, whole: bool) -> bool | None:
    """Return whether the loss depends on a parameter, as far as what was seen of the graph tells."""
    if leaves is None:
        return None
    return True if key in leaves else (False if whole else None)


def sample_size(count: int) -> int:
    """Return how many elements of each of `count` parameters are looked at: always the same ones for one model."""
    return max(LEAST_ELEMENTS, min(MOST_ELEMENTS, ALL_ELEMENTS // max(1, count)))


def momentum_of(group: Mapping[str, Any]) -> float:
    """Return the largest part that earlier gradients have in an update."""
    betas = group.get("betas")
    first = _number(betas[0]) if isinstance(betas, (tuple, list)) and betas else None
    return max(first or 0.0, _number(group.get("momentum")) or 0.0)


def _contested(mine: Set[int], others: Sequence[Any]) -> set[int]:
    """Return those of an optimizer's parameters that are all that another one has, while this one has more."""
    theirs = [{id(p) for group in other.param_groups for p in group["params"]} for other in others]
    return {key for held in theirs if held < mine for key in held}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _forward(found: list[tuple[Draft, Any]], leaves: Mapping[int, int]) -> list[tuple[Draft, Any]]:
    """Return them by the place of their first use; those that are not used stay behind the one before them."""
    keys, latest = [], -1
    for draft, _ in found:
        latest = leaves.get(draft.key, latest)
        keys.append(latest)
    return [found[i] for i in sorted(range(len(found)), key=lambda i: (keys[i], i))]
