"""Looks to judge: short ways to write down what a collector would have seen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from otel_mldebug.rules.detectors.signature import LookDetector
from otel_mldebug.rules.looks import Layer, Look, Operation, Parameter, Part, Stats
from otel_mldebug.rules.steps import StepRecord

N = 16
"""Samples of a batch."""


def stats(low: float = -3.0, high: float = 3.0, mean: float = 0.0, std: float = 1.0, **more: Any) -> Stats:
    """Return what standardised values are like, if nothing else is said."""
    return Stats(**{"size": 128, "norm": 11.0, "mean": mean, "std": std, "low": low, "high": high, **more})


def op(kind: str, *shape: int, **fields: Any) -> Operation:
    """Return an operation with a result of this shape."""
    return Operation(kind=kind, shape=shape, **fields)


def chain(*operations: Operation) -> tuple[Operation, ...]:
    """Let each operation take the result of the one before it, where it does not say what it takes."""
    return tuple(
        replace(operation, inputs=(i - 1,)) if i and not operation.inputs else operation
        for i, operation in enumerate(operations)
    )


def look(*operations: Operation, step: int = 0, **fields: Any) -> Look:
    """Return a look into a step."""
    return Look(step=step, time_ns=step, operations=operations, **fields)


def looks(*operations: Operation, count: int = 4, **fields: Any) -> list[Look]:
    """Return looks into the steps 0, 1, 2, … that all see the same."""
    return [look(*operations, step=step, **fields) for step in range(count)]


def target(low: float, high: float, mean: float = 0.0, std: float = 1.0, **fields: Any) -> Part:
    """Return the target of a loss."""
    known: dict[str, Any] = {"place": "batch[1]", "role": "target", "shape": (N, 1), "dtype": "float32"}
    size = fields.pop("size", N)
    return Part(**{**known, "stats": stats(low, high, mean, std, size=size), **fields})


def batch(digest: int, **fields: Any) -> Part:
    """Return an input from a data loader."""
    known: dict[str, Any] = {"place": "batch[0]", "role": "input", "shape": (N, 8), "dtype": "float32"}
    return Part(**{**known, "stats": stats(), "digest": digest, **fields})


def weight(owner: str, *shape: int, **fields: Any) -> Parameter:
    """Return the weight of a layer that is trained."""
    return Parameter(**{"name": f"{owner}.weight", "layer": owner, "shape": shape, "learning_rate": 1e-3, **fields})


def root(*, training: bool = True, kind: str = "Net") -> Layer:
    """Return a whole model."""
    return Layer(name=kind, kind=kind, training=training, root=True)


def dropout(*, training: bool = True, p: float = 0.5, name: str = "drop") -> Layer:
    """Return a dropout layer."""
    return Layer(name=name, kind="Dropout", training=training, settings={"p": p})


def steps(epochs: Sequence[int], **fields: Any) -> list[StepRecord]:
    """Return one step that waited for data for each number of a pass over it."""
    return [
        StepRecord(**{"index": i, "time_ns": i, "duration_s": 0.01, "data_s": 0.001, "epoch": epoch, **fields})
        for i, epoch in enumerate(epochs)
    ]


def rule(detector: LookDetector, seen: Sequence[Look], window: Sequence[StepRecord] = ()) -> str:
    """Return which rule fires; empty for none."""
    finding = detector(seen, window)
    return finding.rule if finding is not None else ""


LINEAR = op("Addmm", N, 3, layer="fc2", operands=((N, 8), (8, 3)), operand=stats())
"""Last layer of a classifier with three classes."""
UNIT = op("Addmm", N, 1, layer="out", operands=((N, 8), (8, 1)), operand=stats())
"""Last layer of a regression."""
NLL = op("NllLoss", operands=((N, 3), (N,), ()))
"""Loss for three classes."""
