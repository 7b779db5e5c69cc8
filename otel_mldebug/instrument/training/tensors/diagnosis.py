"""What tensors say at the moment when a loss or a gradient is found to be non-finite, before the evidence is gone."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from otel_mldebug.instrument.training.tensors.given import Given, given
from otel_mldebug.instrument.training.tensors.health import Damage, damage, tensors_of
from otel_mldebug.instrument.training.tensors.layers import Layers, owner
from otel_mldebug.instrument.training.tensors.sources import Reading, Risk
from otel_mldebug.instrument.training.tensors.trace import Outside, Trace, common, trace
from otel_mldebug.rules.detectors.origin import Kind, Origin
from otel_mldebug.rules.facts import Value

_MEANS = ("exp_avg", "momentum_buffer", "square_avg", "sum")
"""State of optimizers that is made of gradients."""
_FRAMES = 3
"""Frames between whoever asks for the origin of a loss and the search for what the program had in its hands."""
_MOST_SHARE = 0.5
"""Share of the weights that only an update of the optimizer makes bad at once."""


class Diagnosis:
    """Looks for the origin of non-finite values.

    Args:
        torch: The module.
        layers: Names of parameters and modules.
    """

    def __init__(self, torch: Any, layers: Layers) -> None:
        self._torch = torch
        self._layers = layers

    def loss(self, loss: Any, value: float, *, step: int, batches: Iterable[Any], states: Sequence[Any] = ()) -> Origin:
        """Return where a loss became non-finite, to be called before backward frees its graph.

        Args:
            loss: The tensor.
            value: What it holds.
            step: Number of the step.
            batches: What the step was fed with, as far as it is known.
            states: The optimizers, if they have stepped since the latest finite loss: their state tells of gradients.
        """
        found = trace(self._torch, loss.grad_fn, self._layers) if loss.grad_fn is not None else Trace()
        if found.bad_leaves:
            return self._bad_leaves(found, value, step=step, states=states)
        bad_input = self._bad_input(batches)
        if found.outside is not None:
            named = self._named(found.outside.tensor)
            if named:
                return _bad_weights([(named, found.outside.damage)], len(found.leaves) + 1, step=step, value=value)
            origin = Origin(step=step, value=value, kind=Kind.INPUT, certainty=0.95)
            if bad_input is not None:
                where, harm = bad_input
                return replace(origin, layer=where, details=describe(harm))
            return self._from_outside(found.outside, origin, fed=self._fed(batches))
        if bad_input is not None and (found.fed or not found.operation):
            where, harm = bad_input
            return Origin(step=step, value=value, kind=Kind.INPUT, layer=where, details=describe(harm), certainty=0.9)
        if found.fed and not found.certain:
            held = given(self._torch, _FRAMES - 1)
            if held.bad and held.damage is not None and not held.damage.mask_like:
                return self._held(held, Origin(step=step, value=value, kind=Kind.INPUT, certainty=0.8))
        if not found.operation:
            return Origin(step=step, value=value, kind=Kind.UNKNOWN, certainty=0.95)
        return Origin(
            step=step,
            value=value,
            kind=Kind.FORWARD,
            layer=found.layer,
            operation=found.operation,
            after=found.after,
            before=found.before,
            details=describe(found.damage) if found.damage is not None else {},
            certainty=0.95 if found.certain else 0.7,
        )

    def _from_outside(self, outside: Outside, origin: Origin, *, fed: bool) -> Origin:
        """Return where a bad tensor came from that needs no gradient: the data, or an operation on it.

        Args:
            outside: The tensor.
            origin: What is known without it.
            fed: Whether all that the step was fed with is known and finite.
        """
        found = given(self._torch, _FRAMES)
        if found.bad:
            return self._held(found, origin)
        origin = replace(origin, before=outside.layer, certainty=0.85, details=describe(outside.damage))
        if not found.finite and not fed:
            return replace(origin, kind=Kind.UNKNOWN)
        risks = self._risks(outside)
        known = replace(origin, kind=Kind.FORWARD)
        if len({risk.layer for risk in risks}) != 1:
            return known
        risk, certainty = risks[0], 0.85 if len(risks) == 1 else 0.7
        return replace(known, operation=risk.operation, place=risk.place, layer=risk.layer, certainty=certainty)

    @staticmethod
    def _held(found: Given, origin: Origin) -> Origin:
        """Return what a bad variable of the program says."""
        risk = found.risk or Risk("", "")
        details = describe(found.damage) if found.damage is not None else {}
        return replace(origin, layer=found.bad, operation=risk.operation, place=risk.place, details=details)

    def _risks(self, outside: Outside) -> list[Risk]:
        """Return what the text of the model has before the layer that took a bad tensor."""
        held = self._layers.holder(outside.weight) if outside.weight is not None else None
        if held is None:
            return []
        root, module = held
        reading = Reading(self._torch.nn.Module, module)
        reading.module(root, "")
        return list(dict.fromkeys(reading.found)) if reading.arrived else []

    def _fed(self, batches: Iterable[Any]) -> bool:
        """Return whether it is known what the step was fed with, and a model could compute with that."""
        tensors = [tensor for batch in batches for _, tensor in tensors_of(self._torch, batch)]
        return any(t.is_cpu and (t.is_floating_point() or t.dim() > 1) for t in tensors)

    def _bad_leaves(self, found: Trace, value: float, *, step: int, states: Sequence[Any]) -> Origin:
        """Return who made weights bad: the latest backward pass, by way of the update, or somebody else."""
        names = [name for name, _ in found.bad_leaves]
        origin = _bad_weights(found.bad_leaves, len(found.leaves), step=step, value=value)
        if not states or not self._bad_gradients_before(found, states):
            return origin
        after, before, layer = _boundary([(name, name in names) for name in found.leaves])
        return replace(origin, kind=Kind.BACKWARD, layer=layer, after=after, before=before, update=True, certainty=0.75)

    def _bad_gradients_before(self, found: Trace, optimizers: Sequence[Any]) -> bool:
        """Return whether the gradients of the latest update must have been bad, going by what it has left behind.

        Running means of gradients say so directly. Where there are none, NaN all over several weights does: finite
        gradients make weights overflow, at worst.
        """
        means = [
            mean
            for optimizer in optimizers
            for state in list(optimizer.state.values())
            for key in _MEANS
            if isinstance(state, dict) and isinstance(mean := state.get(key), self._torch.Tensor) and mean.is_cpu
        ]
        if means:
            return any(self._damage(mean) is not None for mean in means)
        rates = [group.get("lr") for optimizer in optimizers for group in optimizer.param_groups]
        if any(isinstance(rate, float) and not math.isfinite(rate) for rate in rates):
            return False
        harms = [harm for _, harm in found.bad_leaves]
        return len(harms) > 1 and sum(h.nan for h in harms) > _MOST_SHARE * sum(h.size for h in harms)

    def gradients(self, bad: Sequence[tuple[Any, bool]], value: float, *, step: int, batches: Iterable[Any]) -> Origin:
        """Return where gradients became non-finite although the loss is finite, to be called before the optimizer.

        Args:
            bad: Parameters in forward order, each with whether its gradient is not finite.
            value: The gradient norm.
            step: Number of the step.
            batches: What the step was fed with, as far as it is known.
        """
        self._layers.learn([p for p, _ in bad])
        weights = [(self._layers.label(p, i), d) for i, (p, _) in enumerate(bad) if (d := self._damage(p))]
        if weights:
            return _bad_weights(weights, len(bad), step=step, value=value)
        if (found := self._bad_input(batches)) is not None:
            where, harm = found
            return Origin(step=step, value=value, kind=Kind.INPUT, layer=where, details=describe(harm), certainty=0.85)
        return self._boundary(bad, value, step=step)

    def late(
        self,
        value: float,
        *,
        step: int,
        bad_loss: bool,
        bad_weights: Sequence[tuple[Any, bool]],
        bad: Sequence[tuple[Any, bool]],
        batches: Iterable[Any],
    ) -> Origin:
        """Return where a loss or gradients became non-finite, from norms that have come from a GPU some steps later.

        Args:
            value: The loss or the gradient norm.
            step: Number of the step.
            bad_loss: Whether it is the loss.
            bad_weights: Parameters, each with whether its value was not finite in that step; empty if not looked at.
            bad: Parameters, each with whether its gradient was not finite in that step.
            batches: What the step was fed with; only what is on the host is looked at.
        """
        self._layers.learn([p for p, _ in bad_weights])
        hit = [self._layers.label(p, i) for i, (p, is_bad) in enumerate(bad_weights) if is_bad]
        if hit:
            return _weights(hit, len(bad_weights), step=step, value=value)
        if (found := self._bad_input(batches)) is not None:
            where, harm = found
            return Origin(step=step, value=value, kind=Kind.INPUT, layer=where, details=describe(harm), certainty=0.9)
        if not bad_loss:
            return self._boundary(bad, value, step=step)
        kind = Kind.FORWARD if bad_weights else Kind.UNKNOWN
        return Origin(step=step, value=value, kind=kind, certainty=0.8 if bad_weights else 0.95)

    def _boundary(self, bad: Sequence[tuple[Any, bool]], value: float, *, step: int) -> Origin:
        flagged = [(self._layers.label(p, i), is_bad) for i, (p, is_bad) in enumerate(bad)]
        hit = tuple(name for name, is_bad in flagged if is_bad)
        after, before, layer = _boundary(flagged)
        return Origin(
            step=step,
            value=value,
            kind=Kind.BACKWARD,
            layer=layer,
            after=after,
            before=before,
            tensors=hit,
            num_bad=len(hit),
            num_all=len(bad),
            certainty=0.85 if before else 0.8,
        )

    def _damage(self, tensor: Any) -> Damage | None:
        return damage(self._torch, tensor)

    def _bad_input(self, batches: Iterable[Any]) -> tuple[str, Damage] | None:
        for batch in batches:
            for place, tensor in tensors_of(self._torch, batch):
                found = self._damage(tensor) if tensor.is_cpu else None
                if found is not None and not found.mask_like:
                    return place, found
        return None

    def _named(self, tensor: Any) -> str:
        """Return the name of a buffer or frozen weight that shares its memory with `tensor`."""
        try:
            pointer = tensor.data_ptr()
        except RuntimeError:
            return ""
        return next((n for n, t in self._layers.tensors() if t.numel() and t.data_ptr() == pointer), "")


def _boundary(flagged: Sequence[tuple[str, bool]]) -> tuple[str, str, str]:
    """Return where bad gradients end and good ones begin, seen from the input.

    Args:
        flagged: Names of parameters in forward order, each with whether its gradient is bad; some are.

    Returns:
        The last layer with bad gradients, the first one behind it (empty when all are bad), and the layer to name.
    """
    latest = max(i for i, (_, is_bad) in enumerate(flagged) if is_bad)
    after = owner(flagged[latest][0])
    before = next((owner(name) for name, _ in flagged[latest + 1 :] if owner(name) != after), "")
    alone = len({owner(name) for name, is_bad in flagged if is_bad}) == 1 and not all(is_bad for _, is_bad in flagged)
    return after, before, after if alone else (common(after, before) or after) if before else ""


def _bad_weights(bad: Sequence[tuple[str, Damage]], num_all: int, *, step: int, value: float) -> Origin:
    found = _weights([name for name, _ in bad], num_all, step=step, value=value)
    return replace(found, details=describe(bad[0][1]))


def _weights(bad: Sequence[str], num_all: int, *, step: int, value: float) -> Origin:
    spread = len(bad) > 2 and len(bad) > _MOST_SHARE * num_all and step > 0
    return Origin(
        step=step,
        value=value,
        kind=Kind.WEIGHT,
        layer="" if spread else bad[0],
        tensors=tuple(bad),
        num_bad=len(bad),
        num_all=num_all,
        certainty=0.8 if spread else 0.95,
        update=spread,
    )


def describe(harm: Damage) -> dict[str, Value]:
    """Return what is wrong with a tensor as evidence."""
    found: dict[str, Value] = {
        "format": harm.format,
        "elements": harm.size,
        "nan": harm.nan,
        "infinite": harm.above + harm.below,
    }
    if harm.nan + harm.above + harm.below < harm.size:
        found.update(smallest=harm.low, largest=harm.high)
    return found
