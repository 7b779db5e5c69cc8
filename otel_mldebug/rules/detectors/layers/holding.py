"""Optimizers that hold other parameters than those that the loss depends on."""

import math
import re
from collections.abc import Sequence

from otel_mldebug.rules.detectors.layers.changes import START, STEPS, Fate, fates
from otel_mldebug.rules.detectors.layers.graph import has_layers
from otel_mldebug.rules.detectors.layers.reading import fits, fresh, layers_of, listed, mixes
from otel_mldebug.rules.detectors.layers.reported import be, count, evidence
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

PATIENCE = 30
"""Steps before parameters that no optimizer holds count as forgotten: another optimizer may come to them later."""
FROZEN_STEPS, UNFREEZING_STEPS = 100, 1000
"""Steps that the optimizer has had frozen layers, and how many where they have a rate of their own and training goes
on: gradual unfreezing would have begun."""

_COPIES = frozenset(
    ("target", "teacher", "ema", "momentum", "old", "reference", "ref", "frozen", "fixed", "random", "prior", "key")
)
"""Parts of the names of networks that are not meant to be trained by gradients."""
_WHOLE = ("detach", ".data", "no_grad", "inference_mode")
"""What cuts values off and leaves them as they are."""
_SOLUTIONS = (
    "Remove detach(), .data, torch.tensor(...) and torch.no_grad() between these layers and the loss.",
    "If they are meant to stay as they are, freeze them with requires_grad_(False) and leave them out of the "
    "optimizer.",
)
_SOFTEN = (
    "Let a value with a gradient through, too: multiply by the probability that was chosen, or use "
    "torch.nn.functional.gumbel_softmax(hard=True), a straight-through estimate or a policy gradient.",
)

TRAINED = 0.3
"""Share of the elements of all weights that has to be trained where what is frozen comes behind it: adapters and
prompts are a few percent."""


def replaced_parameters(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when the optimizer holds parameters that the loss does not depend on instead of those that it does.

    Source: torch.optim ("construct the optimizer after model.cuda()"), and what replacing a head afterwards does.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    known = fates(looks)
    forgotten = [f for f in known if f.idle and not f.held and f.reached]
    held = [f for f in known if f.held]
    useless = [f for f in held if f.reached is not True and not f.changed]
    orphans = [f for f in useless if not f.latest.layer]
    nothing = bool(held) and all(f.idle and f.reached is False for f in held) and has_layers(looks[-1])
    if not nothing and not (forgotten and orphans):
        return None
    names = layers_of([f.latest for f in forgotten])
    held_in_vain = count(len(orphans or useless), "weight")
    told = f", while {listed(names)} of the model {be(names)} never updated." if names else ": nothing is learned."
    return Finding(
        rule="parameter.replaced",
        category=Category.OPTIMIZATION,
        severity=Severity.ERROR,
        summary=f"The optimizer holds {held_in_vain} that the loss does not depend on{told}",
        cause="The model was changed after the optimizer was made: a layer was replaced, the model was copied, moved "
        "or loaded anew, so the optimizer still holds the old parameters.",
        solutions=(
            "Make the optimizer after the last change to the model: optimizer = Adam(model.parameters()).",
            "If a layer is replaced later, give its parameters to optimizer.add_param_group.",
            "Make sure that the model in the loop is the one that the optimizer was made for.",
        ),
        prevention="Assert that {id(p) of all groups} equals {id(p) of model.parameters()} before the first step.",
        confidence=0.95,
        basis="detector",
        evidence={**evidence(looks, forgotten or useless, known), "held_in_vain": len(useless)},
    )


def forgotten_parameters(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when weights get gradients and no optimizer holds them. Frozen ones (requires_grad False) get none.

    Training only the last layers of a trained network, adapters in it, or through it, is done on purpose: a hint at
    most. Weights that are still as PyTorch drew them were never trained, so leaving them out is a mistake.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    known = fates(looks)
    forgotten = [f for f in known if f.idle and not f.held and f.reached and f.gradient]
    held = [f for f in known if f.held and f.reached]
    if not forgotten or not held or looks[-1].step - looks[0].step < PATIENCE:
        return None
    untrained = any(fresh(f.latest) for f in forgotten)
    names = layers_of([f.latest for f in forgotten])
    return Finding(
        rule="parameter.not_in_optimizer" if untrained else "parameter.left_out",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING if untrained else Severity.INFO,
        summary=f"No optimizer holds {listed(names)}: {count(len(forgotten), 'weight')} of {len(known)} get gradients "
        "and are never updated.",
        cause="The optimizer was given a part of the parameters only: another module's, a list made too early, or a "
        "filter by name or type that leaves some out.",
        solutions=(
            "Give the optimizer all parameters: Adam(model.parameters()), or itertools.chain of several modules.",
            "If these are meant to stay as they are, freeze them with requires_grad_(False), which also saves time.",
        ),
        prevention="Compare the number of parameters in optimizer.param_groups with that of the model before training.",
        confidence=0.9 if untrained else 0.5,
        basis="detector",
        evidence=evidence(looks, forgotten, known),
    )


def frozen_parameters(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when the optimizer was given layers to train that are frozen, and that nothing has ever trained.

    A frozen body is on purpose, also when the optimizer was simply given everything. One with a learning rate of its
    own was meant to be trained, if perhaps later on, and so was a network of which nothing but biases and norms is
    left to train, and frozen layers with nothing but trained ones before them. Adapters train a small part only.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    return _frozen(looks, UNFREEZING_STEPS)


def frozen_to_the_end(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire as `frozen_parameters` does, when training is over: nothing will be unfrozen any more.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    return _frozen(looks, FROZEN_STEPS)


def _frozen(looks: Sequence[Look], patience: int) -> Finding | None:
    first = {p.name: p for p in looks[0].parameters}
    weights = [p for p in looks[-1].parameters if mixes(p)]
    frozen = [p for p in weights if p.optimized and not p.trainable and fresh(p)]
    free = [p for p in looks[-1].parameters if p.optimized and p.trainable]
    if not frozen or not free or looks[0].step > START or looks[-1].step - looks[0].step < FROZEN_STEPS:
        return None
    if any(first[p.name].trainable for p in frozen if p.name in first):
        return None
    alone = {p.learning_rate for p in frozen}.isdisjoint(p.learning_rate for p in free)
    some = any(p.trainable for p in weights)
    if some and (not (alone or _behind(weights)) or looks[-1].step - looks[0].step < patience):
        return None
    names = layers_of(frozen)
    return Finding(
        rule="parameter.frozen",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"The optimizer holds {listed(names)}, but {'it is' if len(names) == 1 else 'they are'} frozen "
        "(requires_grad False) and as they were drawn: they are never updated.",
        cause="Unfreezing was forgotten or looks for a wrong name, or more was frozen than was meant.",
        solutions=(
            "Unfreeze them with requires_grad_(True), and check by name that it reaches them.",
            "If they are meant to stay random, leave them out of the optimizer.",
        ),
        prevention="Print how many parameters require gradients before training and after each unfreezing.",
        confidence=0.6,
        basis="detector",
        evidence={
            "step": looks[0].step,
            "layer": names[0],
            "parameters": tuple(p.name for p in frozen[:8]),
            "frozen": len(frozen),
            "looked_at": len(weights),
        },
    )


def _behind(weights: Sequence[Parameter]) -> bool:
    """Return whether what is frozen comes behind all that is trained, which is a good part of all."""
    free = [n for n, p in enumerate(weights) if p.trainable and p.optimized]
    frozen = [n for n, p in enumerate(weights) if not p.trainable]
    sizes = [math.prod(p.shape) for p in weights]
    return max(free, default=0) < min(frozen) and sum(sizes[n] for n in free) >= TRAINED * sum(sizes)


def cut_graph(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when the loss does not depend on the first layers, which an optimizer holds and nothing has trained.

    What they make has to fit what the first layer takes that the loss depends on: else they are a head that this phase
    does not use. A trained body whose features are computed without gradients is on purpose.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    layers = has_layers(looks[-1])
    known = [f for f in fates(looks, STEPS if layers else 2) if f.latest.layer]
    lost = [f for f in known if f.idle and f.held and f.reached is False]
    reached = [f for f in known if f.reached]
    whole = bool(lost) and not reached and not layers
    if not whole and (not lost or not reached or looks[-1].step - looks[0].step < PATIENCE):
        return None
    body = [f for f in lost if whole or f.place < reached[0].place]
    untrained = len(body) == len(lost) and any(fresh(f.latest) for f in body)
    cut = whole or (untrained and fits(body[-1].latest, reached[0].latest))
    told = [] if whole else _told(lost)
    lost = told or lost
    names = layers_of([f.latest for f in lost])
    if told:
        cause = (
            f"They run in the forward pass, but what they make is cut off on its way to the loss: {told[0].latest.cut}."
        )
    elif cut:
        cause = (
            "The graph is cut behind these layers: detach(), .data, .item(), torch.tensor(x), numpy or no_grad between "
            "them and the loss."
        )
    else:
        cause = (
            "These layers are not used in the forward pass of this phase, or what they make does not go into the loss."
        )
    return Finding(
        rule="parameter.detached" if cut or told else "parameter.unused",
        category=Category.GRADIENT,
        severity=Severity.ERROR if whole else Severity.WARNING if cut or told else Severity.INFO,
        summary=f"The loss does not depend on {listed(names)}: {count(len(lost), 'weight')} of {len(known)} that the "
        "optimizer holds never get a gradient.",
        cause=cause,
        solutions=_SOFTEN + _SOLUTIONS if told and not told[0].latest.cut.startswith(_WHOLE) else _SOLUTIONS,
        prevention="After the first backward call, check that every parameter that should learn has a gradient.",
        confidence=0.85 if cut or told else 0.5,
        basis="detector",
        evidence={**evidence(looks, lost, known), **({"cut": told[0].latest.cut} if told else {})},
    )


def _told(lost: Sequence[Fate]) -> list[Fate]:
    """Return those whose results the text of the model cuts off, if nothing has trained them and nobody copies them."""
    found = [f for f in lost if f.latest.cut and not _COPIES.intersection(re.split(r"[._]", f.latest.name.lower()))]
    return found if any(fresh(f.latest) for f in found) else []
