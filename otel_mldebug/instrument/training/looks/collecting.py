"""The three stages of a look, each of which measures what is there and holds no tensor longer than it has to."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from otel_mldebug.instrument.training.looks.aside import aside
from otel_mldebug.instrument.training.looks.draft import Draft, Seen
from otel_mldebug.instrument.training.looks.models import Models
from otel_mldebug.instrument.training.looks.operations import Graph, ordered
from otel_mldebug.instrument.training.looks.parameters import Parameters, reach
from otel_mldebug.instrument.training.looks.parts import Parts
from otel_mldebug.instrument.training.looks.sheet import Sheet, Slot
from otel_mldebug.instrument.training.looks.updates import Remembered, updates
from otel_mldebug.instrument.training.steps.ahead import Fetch
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.instrument.training.tensors.cuts import Cuts

if TYPE_CHECKING:
    from otel_mldebug.instrument.training.hooks.watch import Watch

MATRIX = 2
"""Dimensions of what mixes its inputs, at least."""
PAIR = 2
"""Batches of two loaders that one step is fed with."""
MOST_STALE = 3
"""Parameters of each optimizer whose gradients are looked at when backward begins."""


class Collector:
    """Fills in drafts of looks.

    Args:
        watch: What all hooks share.
    """

    def __init__(self, watch: "Watch") -> None:
        self._watch = watch
        self._torch = watch.torch
        self._modes = watch.torch._C._len_torch_dispatch_stack
        self._sheets = threading.local()
        self._remembered = Remembered()
        self._cuts = Cuts()

    @property
    def _sheet(self) -> Sheet:
        """Return the calling thread's sheet."""
        sheet: Sheet | None = getattr(self._sheets, "sheet", None)
        if sheet is None:
            sheet = self._sheets.sheet = Sheet(self._torch, self._watch.devices)
        return sheet

    def graph(self, draft: Draft, track: Track, tensors: Any) -> None:
        """Look at the graph of `tensors`, at what went in, and at the modes of modules."""
        loss = tensors[0] if isinstance(tensors, (list, tuple)) and tensors else tensors
        objective = track.scaled if track.scaled is not None else loss
        root = getattr(objective, "grad_fn", None)
        if self._modes() or root is None or self._sheet.local(objective) is None:
            return
        first = draft.seen is None
        seen = draft.seen = draft.seen or Seen()
        with self._quiet():
            if draft.stale or (first and not track.backward_calls):
                self._stale(draft)
            layers = self._watch.layers
            nodes = ordered(root)
            leaves = [node.leaf for node in nodes if node.leaf is not None]
            layers.learn(leaves)
            models = Models(self._torch, layers, leaves)
            graph = Graph(self._torch, nodes, models, self._sheet, tuple(objective.shape))
            several = isinstance(tensors, (list, tuple)) and len(tensors) > 1
            seen.operations = graph.drafts
            seen.leaves = {**graph.leaves, **{k: v for k, v in seen.leaves.items() if k not in graph.leaves}}
            seen.whole = seen.whole and graph.whole and not several
            seen.full = seen.full and graph.full and graph.whole and models.complete
            seen.layers = models.layers
            seen.autocast = graph.autocast or seen.autocast
            seen.calls += 1
            seen.aside |= aside(track.computed, nodes)
            track.computed.clear()
            fetches = list(track.pending.values())
            if len(fetches) == 1 and fetches[0].passes is not None:
                seen.passing = (fetches[0].number, fetches[0].place, fetches[0].passes.length)
                seen.alike = fetches[0].passes.alike
            seen.apart = _apart(fetches)
            batches = [fetch.batch for fetch in fetches] or track.held
            inner = {p.parameter.data_ptr() for p in models.places.values() if p.parameter.device.type == "cpu"}
            seen.parts = Parts(self._torch, self._sheet).collect(batches, graph.outside, inner)
            graph.outside.clear()
            if objective.numel() == 1:
                seen.loss = self._sheet.scalar(objective)
                seen.scaled = self._sheet.scalar(loss) if loss is not objective else None
            self._sheet.measure(draft.readings)

    def parameters(self, draft: Draft, optimizer: Any) -> None:
        """Look at weights, and at gradients unless a closure is still to make them."""
        if self._modes():
            return
        with self._quiet():
            watch = self._watch
            seen = draft.seen
            held = watch.layers.held(seen.leaves) if seen is not None else []  # also what no optimizer was given
            if optimizer is not None:
                held = [*(p for g in optimizer.param_groups for p in g["params"]), *held]
            watch.layers.learn(held)
            models = Models(self._torch, watch.layers, held)
            collect = Parameters(self._torch, self._sheet)
            draft.parameters = collect.collect(
                models,
                optimizer,
                watch.optimizers.all(),
                seen.leaves if seen is not None else None,
                whole=seen is not None and seen.whole,
            )
            for parameter, _ in draft.parameters:
                parameter.aside = seen is not None and parameter.key in seen.aside
            self._cut_off(draft)
            if seen is not None:
                taken = {id(p) for other in watch.optimizers.all() for g in other.param_groups for p in g["params"]}
                draft.loose = models.loose.take(seen.leaves, models.places.keys() | taken)
            draft.stacks.clear()  # of a step that has failed and is tried again
            collect.weights(draft.parameters)
            self._sheet.measure(draft.readings, draft.stacks)
            if not draft.closure:
                self._gradients(draft, optimizer)

    def changes(self, draft: Draft, optimizer: Any) -> None:
        """Look at what the step has changed; at the gradients only now if a closure has made them."""
        if self._modes():
            return
        with self._quiet():
            if draft.closure:
                self._gradients(draft, optimizer)
                seen = draft.seen or Seen(whole=False)
                for parameter, _ in draft.parameters:
                    parameter.reached = reach(parameter.key, seen.leaves, whole=seen.whole)
            updates(self._torch, self._sheet, draft.stacks, draft.parameters)
            self._sheet.measure(draft.readings)
            self._remembered.compare(draft.parameters)

    def _gradients(self, draft: Draft, optimizer: Any) -> None:
        factor = getattr(optimizer, "grad_scale", None)
        scale = self._sheet.scalar(factor) if isinstance(factor, self._torch.Tensor) else None
        Parameters(self._torch, self._sheet).gradients(draft.parameters, scale)
        self._sheet.measure(draft.readings)

    def _cut_off(self, draft: Draft) -> None:
        """Say of what the loss does not depend on whether the text of the model tells why."""
        lost = [d for d, p in draft.parameters if d.reached is False and d.mine and d.trainable and p.dim() >= MATRIX]
        if not lost:
            return
        models = self._watch.layers.models_of(d.place.parameter for d in lost)
        known = {key: how for _, root in models for key, how in self._cuts.of(root).items()}
        for one in lost:
            one.cut = known.get(one.key, "")

    def _stale(self, draft: Draft) -> None:
        """Look at some gradients of each optimizer of this thread before backward adds to them."""
        for optimizer in self._watch.optimizers.of_thread():
            parameters = [p for g in optimizer.param_groups for p in g["params"] if p.requires_grad]
            chosen = parameters[:: max(1, len(parameters) // MOST_STALE)][: MOST_STALE + 1]
            slots: list[Slot] = []
            draft.stale.setdefault(id(optimizer), []).append(slots)
            for parameter in chosen:
                gradient = self._sheet.local(parameter.grad) if parameter.grad is not None else None
                if gradient is not None and gradient.numel():
                    slots.append(self._sheet.scalar(gradient.count_nonzero()))

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Compute without autograd, and without whatever has been put around tensors."""
        torch = self._torch
        try:
            with torch.no_grad(), torch._C.DisableTorchFunction():
                yield
        finally:
            self._sheet.forget()


def _apart(fetches: Sequence[Fetch]) -> bool:
    """Return whether the batches are from two loaders that shuffle the same number of samples each on its own."""
    first, second = (fetch.passes for fetch in fetches) if len(fetches) == PAIR else (None, None)
    return first is not None and second is not None and first is not second and first.apart(second)
