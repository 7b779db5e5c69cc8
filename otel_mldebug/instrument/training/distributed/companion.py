"""Puts the vigil beside the hooks of one installation: what it has to be told of, and when it begins and ends."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument import ranks
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.distributed.replicas import Replicas
from otel_mldebug.instrument.training.distributed.standing import Standing
from otel_mldebug.instrument.training.distributed.syncing import Syncing
from otel_mldebug.instrument.training.distributed.vigil import Vigil
from otel_mldebug.instrument.training.hooks.patches import Patch
from otel_mldebug.instrument.training.looks.fed import Fed
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from otel_mldebug.instrument.training.tensors.layers import Layers


class Companion:
    """The vigil of one installation.

    Args:
        torch: The module.
        recorder: Gets the steps.
        layers: Names of parameters.
        fed: What single steps were given.
        before_steps: Registers a global hook before the steps of optimizers: called once there are several ranks.

    Attributes:
        synced: Returns how long a backward pass waited for other ranks.
    """

    def __init__(
        self,
        torch: Any,
        recorder: StepRecorder,
        layers: Layers,
        fed: Fed,
        before_steps: Callable[[Callable[..., None]], None],
    ) -> None:
        self._torch, self._before_steps = torch, before_steps
        self._replicas = Replicas(torch, recorder, layers)
        self._standing = Standing(recorder, self._replicas, fed, clock=time.monotonic)
        self._hooked = False
        self._reducing: Patch | None = None
        self.synced = Syncing(self._replicas.wrappers)
        self.vigil = Vigil(self._standing, torch)

    def patches(self) -> list[Patch]:
        """Put in place what tells of DataLoaders, process groups and wrapped models; return it."""
        torch = self._torch
        found = [Patch(torch.utils.data.dataloader.DataLoader, "__iter__", self._iterating)]
        if torch.distributed.is_available():
            found += [
                Patch(torch.distributed.distributed_c10d, "init_process_group", self._joining),
                Patch(torch.distributed, "init_process_group", self._joining),
                Patch(torch.nn.parallel.DistributedDataParallel, "__init__", self._replicas.wrapping),
            ]
        return found

    def end(self) -> None:
        """Stop, with a last look."""
        with _guard.guard("end the watch over training"):
            self.vigil.end()
        if self._reducing is not None:
            self._reducing.undo()

    def after_fork(self) -> None:
        """Start afresh, in a forked child."""
        self.vigil.after_fork()

    def _iterating(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `DataLoader.__iter__` that notes the iterator, whose progress is a sign of life."""

        def __iter__(loader: Any) -> Any:  # noqa: N807
            iterator = original(loader)
            with _guard.guard("note a DataLoader"):
                self._standing.iterators.add(iterator)
                if self._hooked:
                    self._replicas.iterated(loader)
                self.vigil.begin()
            return iterator

        return __iter__

    def _joining(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `init_process_group` that notes the process group; joining it is the first thing that can hang."""

        def init_process_group(*args: Any, **kwargs: Any) -> Any:
            with _guard.guard("watch over the process group"):
                self._standing.patience_s = _seconds(kwargs.get("timeout", args[2] if len(args) > 2 else None))
                self.vigil.begin()
            joined = original(*args, **kwargs)
            with _guard.guard("note the process group"):
                self._joined()
            return joined

        return init_process_group

    def _joined(self) -> None:
        group = ranks.group()
        if group is None:
            return
        self._standing.joined = group
        if group[1] > 1 and not self._hooked:
            self._hooked = True
            self._before_steps(self._replicas.before)
            self._reducing = Patch(self._torch.distributed, "all_reduce", self._replicas.reducing.wrap)
        sinks.current().watched(backend=group[2], world_size=group[1])


def _seconds(timeout: object) -> float | None:
    return timeout.total_seconds() if isinstance(timeout, timedelta) else None
