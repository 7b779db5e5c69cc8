"""One look while it is being taken: stage by stage, with numbers that may be on their way from a device."""

from dataclasses import dataclass, field
from typing import Any

from otel_mldebug.instrument.training.looks.operations import Draft as OperationDraft
from otel_mldebug.instrument.training.looks.parameters import Draft as ParameterDraft
from otel_mldebug.instrument.training.looks.parts import Draft as PartDraft
from otel_mldebug.instrument.training.looks.sheet import Readings, Slot
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.rules.looks import Layer, Look


@dataclass(slots=True)
class Seen:
    """What backward calls of one step have shown. Plain data: no tensor is held.

    Attributes:
        operations: Of the latest graph.
        leaves: Parameters that any of them reaches, by identity, with the place of the first operation to use it.
        aside: Leaves that losses depend on which were computed and are no part of what backward was called on.
        whole: Whether what is not among them is certain not to be reached.
        parts: What went in.
        layers: Modes of modules.
        passing: Number of the pass over a data loader, which batch of it this is, and how many there are.
        alike: What gives all workers of the loader the same random numbers; empty if nothing is known to.
        apart: Whether it is fed by two loaders over as many samples, each of which shuffles them on its own.
        full: Whether all operations and parameters are there.
        autocast: Type that autocast computes in.
        loss: The latest objective.
        scaled: The same as the scaler gave it to backward.
        calls: Backward calls so far.
    """

    operations: list[OperationDraft] = field(default_factory=list)
    leaves: dict[int, int] = field(default_factory=dict)
    aside: set[int] = field(default_factory=set)
    whole: bool = True
    parts: list[PartDraft] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    passing: tuple[int, int, int] = (0, 0, 0)
    alike: str = ""
    apart: bool = False
    full: bool = True
    autocast: str = ""
    loss: Slot | None = None
    scaled: Slot | None = None
    calls: int = 0

    @property
    def scale(self) -> float | None:
        """Return the factor of the gradient scaler."""
        if self.loss is None or self.scaled is None or not self.loss.norm or self.scaled.norm is None:
            return None
        return self.scaled.norm / self.loss.norm


@dataclass(slots=True)
class Draft:
    """One look.

    Attributes:
        step: Number of the step.
        time_ns: When it began.
        seen: What backward has shown; None as long as there was none.
        stale: By identity of an optimizer, for each backward call, gradients that were there when it began.
        parameters: Those of the models, with the tensors until the step has ended.
        loose: Tensors that modules hold although they are none of their parameters, as in a `Look`.
        stacks: Samples of weights from before the step, with their slots.
        readings: Numbers on their way.
        cell: The optimizer's, once it is known.
        cost_s: Processor time so far.
    """

    step: int
    time_ns: int
    seen: Seen | None = None
    stale: dict[int, list[list[Slot]]] = field(default_factory=dict)
    parameters: list[tuple[ParameterDraft, Any]] = field(default_factory=list)
    loose: tuple[tuple[str, tuple[int, ...], float], ...] = ()
    stacks: list[tuple[Any, list[Slot]]] = field(default_factory=list)
    readings: Readings = field(default_factory=Readings)
    cell: Cell | None = None
    key: int = 0
    kind: str = ""
    closure: bool = False
    first: bool = True
    cost_s: float = 0.0

    @property
    def items(self) -> int:
        """Return how many parameters and operations there are."""
        return len(self.parameters) + (len(self.seen.operations) if self.seen is not None else 0)

    def release(self) -> None:
        """Let go of every tensor."""
        self.parameters = [(draft, None) for draft, _ in self.parameters]
        for draft, _ in self.parameters:
            draft.place.parameter = None
        self.stacks.clear()

    def made(self) -> Look:
        """Return the look with all numbers that have arrived."""
        self.readings.fill()
        seen = self.seen or Seen(whole=False)
        return Look(
            step=self.step,
            time_ns=self.time_ns,
            optimizer=self.cell.name if self.cell is not None else "",
            optimizer_kind=self.kind,
            loss=seen.loss.norm if seen.loss is not None else None,
            parts=tuple(draft.made() for draft in seen.parts),
            operations=tuple(draft.made() for draft in seen.operations),
            parameters=tuple(draft.made() for draft, _ in self.parameters),
            layers=tuple(seen.layers),
            loose=self.loose,
            stale=self._stale(),
            passing=seen.passing[0],
            place=seen.passing[1],
            batches=seen.passing[2],
            alike=seen.alike,
            apart=seen.apart,
            autocast=seen.autocast,
            scale=seen.scale,
            backward_calls=max(1, seen.calls),
            cost_s=self.cost_s,
            complete=seen.full and self.seen is not None,
        )

    def _stale(self) -> bool | None:
        if self.first or self.key not in self.stale:
            return None
        # Whoever attacks the model first, and clears its gradients then, starts the step with old ones all the same.
        return all(any(slot.norm for slot in slots) for slots in self.stale[self.key])
