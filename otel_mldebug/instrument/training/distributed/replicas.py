"""What a rank can tell of its replica of the model, taken inside of its steps and cheap there."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import WeakSet, ref

from otel_mldebug import _guard
from otel_mldebug.instrument.training.distributed.reducing import Reducing
from otel_mldebug.instrument.training.distributed.samples import Samples, Sums
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from otel_mldebug.instrument.training.tensors.layers import Layers
from otel_mldebug.rules.ranks import Check

FIRST = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 100, 128, 160, 200, 256, 320, 400, 512)
"""Optimizer steps before which parameters are looked at. All ranks look at the same ones without having to agree;
models that are averaged every so often are met when they have just been."""
EVERY = 200
"""The same from then on."""
_MOST_PARAMETERS = 64
"""Parameters of one look, but for the first few looks."""
_FULL_LOOKS = 4
_MOST_CHECKS = 64
_MOST_BATCHES = 8
_MOST_OPTIMIZERS = 8


def next_look(number: int) -> int:
    """Return the first number of optimizer steps above `number` at which parameters are looked at."""
    return next((n for n in FIRST if n > number), (number // EVERY + 1) * EVERY)


class Replicas:
    """Looks at parameters and batches, before some optimizer steps.

    Args:
        torch: The module.
        recorder: Knows which step it is, and what it was fed with.
        layers: Names of parameters.

    Attributes:
        names: Names of the parameters of each optimizer.
        batches: Digests of batches, by number of optimizer steps.
        joined: Whether the program has said that ranks may have different numbers of batches.
        sharded: Whether parameters were met of which each rank has another part.
        wrappers: Models inside of DistributedDataParallel.
        divided: Whether a DataLoader gives each rank its own part; None before the first.
        reducing: What the program does with gradients that it reduces itself.
    """

    def __init__(self, torch: Any, recorder: StepRecorder, layers: Layers) -> None:
        self._torch, self._recorder, self._layers = torch, recorder, layers
        self._samples = Samples(torch)
        self.reducing = Reducing(torch)
        self.wrappers: WeakSet[Any] = WeakSet()
        self._optimizers: list[ref[Any]] = []
        self._checks: deque[tuple[Check, Sums]] = deque(maxlen=_MOST_CHECKS)
        self._number = self._next = 0
        self.names: list[tuple[str, ...]] = []
        self._wrapped = False
        self.batches: dict[int, int] = {}
        self.joined = False
        self.sharded = False
        self.divided: bool | None = None
        self._strided = torch.strided

    @property
    def wrapped(self) -> bool:
        """Whether a model is in DistributedDataParallel, or was: it is gone when the function that trains ends."""
        return self._wrapped

    def wrapping(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `DistributedDataParallel.__init__` that notes the wrapper."""
        wrappers = self.wrappers

        def __init__(wrapper: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            original(wrapper, *args, **kwargs)
            with _guard.guard("note a wrapped model"):
                wrappers.add(wrapper)
                self._wrapped = True

        return __init__

    def iterated(self, loader: Any) -> None:
        """Note whether a DataLoader gives each rank its own part of the data."""
        sampler = getattr(getattr(loader, "batch_sampler", None), "sampler", None) or getattr(loader, "sampler", None)
        divided = hasattr(sampler, "num_replicas") and hasattr(sampler, "rank")
        self.divided = bool(self.divided) or divided

    def before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Look, if it is time to: a global hook before the steps of optimizers."""
        number = self._number
        self._number = number + 1
        if self.reducing.active:
            with _guard.guard("look at what was reduced"):
                self.reducing.step_begins(optimizer, self._recorder.index)
        if number < self._next:
            return
        self._next = next_look(number)
        with _guard.guard("look at a replica"):
            self._look(number, optimizer)

    def _look(self, number: int, optimizer: Any) -> None:
        if self._torch._C._len_torch_dispatch_stack() or self._recorder.budget.share <= 0:
            return
        if len(self.batches) < _MOST_BATCHES:
            digest = self._samples.digest(self._recorder.tracks.track.held)
            if digest is not None:
                self.batches[number] = digest
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        if any(not self._dense(p) for p in parameters):
            self.sharded = True
            return
        place = self._place(optimizer, parameters)
        if place is None or not parameters:
            return
        stride = 1 if len(self._checks) < _FULL_LOOKS else -(-len(parameters) // _MOST_PARAMETERS)
        picked = tuple(range(0, len(parameters), stride))
        sums = self._samples.of([parameters[n] for n in picked])
        if sums is not None:
            check = Check(
                number=number,
                step=self._recorder.index,
                optimizer=place,
                picked=picked,
                synchronising=self._synchronising(parameters),
            )
            self._checks.append((check, sums))

    def _dense(self, parameter: Any) -> bool:
        """Return whether a parameter is whole on this rank: no DTensor, no flat parameter of FSDP, not sparse."""
        kind = type(parameter)
        return (
            kind.__name__ in ("Parameter", "Tensor")
            and parameter.layout is self._strided
            and not hasattr(parameter, "_sharded_size")
        )

    def _place(self, optimizer: Any, parameters: list[Any]) -> int | None:
        for place, known in enumerate(self._optimizers):
            if known() is optimizer:
                return place
        if len(self._optimizers) >= _MOST_OPTIMIZERS:
            return None
        self._layers.learn(parameters)
        self._optimizers.append(ref(optimizer))
        self.names.append(tuple(self._layers.label(p, n) for n, p in enumerate(parameters)))
        return len(self._optimizers) - 1

    def _synchronising(self, parameters: list[Any]) -> bool | None:
        """Return whether the wrapper of all these parameters averages gradients; None if none has them all."""
        wanted = {id(p) for p in parameters if p.requires_grad}
        for wrapper in list(self.wrappers):
            if wanted and wanted <= {id(p) for p in wrapper.parameters()}:
                self.joined = self.joined or bool(getattr(getattr(wrapper, "_join_config", None), "enable", False))
                return bool(getattr(wrapper, "require_backward_grad_sync", True))
        return None

    def checks(self) -> tuple[Check, ...]:
        """Return all checks whose sums have arrived."""
        found = []
        for check, sums in list(self._checks):
            values = sums()
            if values is None:
                break
            found.append(replace(check, sums=values))
        return tuple(found)
