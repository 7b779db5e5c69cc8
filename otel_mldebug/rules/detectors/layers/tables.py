"""Embeddings that no optimizer holds."""

from collections.abc import Sequence

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.layers.changes import START
from otel_mldebug.rules.detectors.layers.reading import layers_of, listed
from otel_mldebug.rules.detectors.layers.reported import be, count
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS = 3
PATIENCE = 30
"""Steps before tables that no optimizer holds count as forgotten."""
_TABLE = 2
"""Dimensions of a table."""
DRAWN = 0.03
"""How far mean and standard deviation may be from 0 and 1 where a table is as PyTorch draws it."""


def forgotten_tables(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when an embedding gets gradients in each look, all else is trained, and no optimizer holds the embedding.

    One that came with vectors made elsewhere may be left as it is on purpose: a hint. One that is a part of no module
    (in a plain list or dict, say) was not left out on purpose, nor was one that took the place of another one, which
    the optimizer still holds: a table of as many columns that belongs to no model and never has a gradient.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones: of several optimizers, another one may hold it.
    """
    first, latest = looks[0], looks[-1]
    if len(looks) < LOOKS or first.step > START or latest.step - first.step < PATIENCE or Course.of(steps).shared:
        return None
    others = [p for p in latest.parameters if p.layer and p.trainable and not _table(p)]
    names = set.intersection(*({p.name for p in look.parameters if _left(p)} for look in (first, *looks[-LOOKS:])))
    left = [p for p in latest.parameters if p.name in names and p.changed is False]
    if not left or not others or not all(p.optimized for p in others):
        return None
    layers = layers_of(left)
    if orphans := _orphans(looks, {p.shape[1] for p in left}):
        return _replaced(looks[0], left, orphans)
    loose = [p for p in left if p.layer.partition("#")[0] == p.module]
    drawn = bool(loose) or any(_drawn(p) for p in left)
    return Finding(
        rule="parameter.not_in_optimizer" if drawn else "parameter.left_out",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING if drawn else Severity.INFO,
        summary=f"No optimizer holds {listed(layers)}, while it holds all else: {count(len(left), 'table')} "
        f"{be(list(names))} given gradients and never updated.",
        cause="The embedding is kept in a plain list or dict, where model.parameters() does not find it."
        if loose
        else "The embedding was made or replaced after the optimizer (which unties weights, too), or a list of "
        "parameters leaves it out.",
        solutions=(
            *(("Keep them in a torch.nn.ModuleList or ModuleDict.",) if loose else ()),
            "Make the optimizer after the last change to the model: optimizer = Adam(model.parameters()).",
            "Tie weights again after an embedding was replaced: head.weight = embedding.weight.",
            "If it is meant to stay as it is, freeze it: Embedding.from_pretrained(vectors, freeze=True).",
        ),
        prevention="Compare the number of parameters in optimizer.param_groups with that of the model before training.",
        confidence=0.85 if drawn else 0.5,
        basis="detector",
        evidence={"step": first.step, "layer": layers[0], "parameters": tuple(p.name for p in left[:8])},
    )


def _orphans(looks: Sequence[Look], widths: set[int]) -> list[Parameter]:
    """Return the tables of these widths that the optimizer holds, that are in no model, and that nothing depends on."""
    found = [
        {
            p.name: p
            for p in look.parameters
            if p.optimized and not p.layer and p.reached is False and p.gradient is None and len(p.shape) == _TABLE
        }
        for look in (looks[0], *looks[-LOOKS:])
    ]
    lasting = set.intersection(*map(set, found))
    return [p for name, p in found[-1].items() if name in lasting and p.shape[1] in widths]


def _replaced(first: Look, left: Sequence[Parameter], orphans: Sequence[Parameter]) -> Finding:
    layers = layers_of(left)
    return Finding(
        rule="parameter.replaced",
        category=Category.OPTIMIZATION,
        severity=Severity.ERROR,
        summary=f"The optimizer holds {count(len(orphans), 'table')} that the loss does not depend on, while "
        f"{listed(layers)} of the model {be(layers)} given gradients and never updated.",
        cause="The embedding was replaced after the optimizer was made (from_pretrained, a larger vocabulary), and the "
        "optimizer still holds the old one.",
        solutions=(
            "Make the optimizer after the last change to the model: optimizer = Adam(model.parameters()).",
            "Or copy the vectors into the table that is there: embedding.weight.data.copy_(vectors).",
        ),
        prevention="Assert that {id(p) of all groups} equals {id(p) of model.parameters()} before the first step.",
        confidence=0.95,
        basis="detector",
        evidence={
            "step": first.step,
            "layer": layers[0],
            "parameters": tuple(p.name for p in left[:8]),
            "held_in_vain": len(orphans),
        },
    )


def _table(parameter: Parameter) -> bool:
    return "Embedding" in parameter.module and len(parameter.shape) == _TABLE


def _left(parameter: Parameter) -> bool:
    given = parameter.gradient is not None and parameter.gradient.norm > 0
    return _table(parameter) and bool(parameter.layer) and parameter.trainable and not parameter.optimized and given


def _drawn(parameter: Parameter) -> bool:
    """Return whether it looks like standard normal numbers. Source: torch.nn.Embedding.reset_parameters."""
    stats = parameter.weight
    near = DRAWN + (3 / stats.size**0.5 if stats is not None and stats.size else 1.0)
    return stats is not None and abs(stats.mean) < near and abs(stats.std - 1) < near and 2 < stats.high < 6
