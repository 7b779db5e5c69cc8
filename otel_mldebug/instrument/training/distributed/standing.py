"""How this rank is doing, read from outside of the thread that trains: where it is, and since when."""

import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from otel_mldebug._optional import loaded
from otel_mldebug.instrument import ending, ranks
from otel_mldebug.instrument.training.distributed import threads
from otel_mldebug.instrument.training.distributed.loop import StepLoop
from otel_mldebug.instrument.training.distributed.replicas import Replicas
from otel_mldebug.instrument.training.looks.fed import Fed
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from otel_mldebug.rules.detectors.ranks.flight import latest_collective
from otel_mldebug.rules.detectors.ranks.stacks import position
from otel_mldebug.rules.ranks import COLLECTIVE, Collective, Position, RankView, Times

COMPUTING = 0.1
"""Share of a processor from which on a thread counts as computing."""
PAUSED = 5.0
"""A look that comes this many times later than usual: the whole process was stopped meanwhile."""
_MOST_TIMES = 128
_WARMUP = 3
"""Steps at the beginning that say nothing of how long a step takes."""


class Standing:
    """How this rank is doing.

    Args:
        recorder: Counts its steps.
        replicas: What it can tell of its model.
        fed: What single steps were given.
        clock: Monotonic seconds.
        stack_of: Returns the stack of a thread.
        cpu_s: Returns the processor time of a thread, seconds.
        group: Returns rank, world size and backend.

    Attributes:
        loop: The loop that its steps are made in.
        iterators: Of its DataLoaders, as long as they live.
        stack: Of the thread that trains, at the latest look.
        view: How it was at the latest look.
        backend: Of the process group; empty without one.
        joined: Rank, world size and backend of the process group that it has joined, also once it has left it.
        patience_s: After how long the program has collectives give up, seconds; None for PyTorch's own default.
    """

    def __init__(
        self,
        recorder: StepRecorder,
        replicas: Replicas | None,
        fed: Fed | None = None,
        *,
        clock: Callable[[], float],
        stack_of: Callable[[int], threads.Stack] = threads.stack_of,
        cpu_s: Callable[[int], float] = threads.cpu_s,
        group: Callable[[], tuple[int, int, str] | None] = ranks.group,
    ) -> None:
        self._recorder, self._replicas, self._fed, self._clock = recorder, replicas, fed, clock
        self._stack_of, self._cpu_s, self._group = stack_of, cpu_s, group
        self.loop = StepLoop()
        self.iterators: WeakSet[Any] = WeakSet()
        self.stack: threads.Stack = []
        self.view = RankView(rank=0, world_size=1)
        self.backend = ""
        self.joined: tuple[int, int, str] | None = None
        self.patience_s: float | None = None
        self._alone = False
        self._since: float | None = None
        self._looked = self._cpu = 0.0
        self._mark: tuple[Any, ...] = ()
        self._collective: tuple[tuple[Any, ...], Collective | None] = ((), None)

    def look(self, usual_s: float) -> RankView:
        """Look where the thread that trains is now; `usual_s` is the time between two looks, seconds."""
        now, thread, steps = self._clock(), self.loop.thread, self._recorder.index
        self.joined = joined = self._group() or self.joined
        if self._alone and joined is None and steps != self.view.steps:  # it goes on, and nobody asks where it is
            self._since, self._mark = now, ()
            self.view = RankView(rank=self.view.rank, world_size=self.view.world_size, steps=steps)
            return self.view
        stack = self.stack = self._stack_of(thread)
        rank, world_size, self.backend = joined if joined is not None else self._launched()
        self._alone = world_size < 2
        replicas = self._replicas
        at = position(
            threads.places(stack),
            in_loop=self.loop.around(stack),
            wrapped=replicas is not None and replicas.wrapped and world_size > 1,
        )
        self._count_idle(now, thread, at, stack, usual_s)
        idle_s = now - (self._since if self._since is not None else now)
        self.view = RankView(
            rank=rank,
            world_size=world_size,
            steps=steps,
            position=at,
            idle_s=idle_s,
            collective=self._latest_collective(idle_s) if world_size > 1 else None,
        )
        return self.view

    def _launched(self) -> tuple[int, int, str]:
        rank, _, world_size = ranks.ranks(os.environ)
        return (rank or 0, world_size or 1, "")

    def _count_idle(self, now: float, thread: int, at: Position, stack: threads.Stack, usual_s: float) -> None:
        cpu, passed = self._cpu_s(thread), now - self._looked
        mark = (self._recorder.index, self._batches(), tuple((id(code), offset) for code, offset, _ in stack))
        waiting = at.phase == COLLECTIVE and at.operation != "gradient synchronisation"
        # A processor that waits for a GPU, or a collective that polls, is busy without getting anywhere.
        computing = not waiting and "nccl" not in self.backend and cpu - self._cpu > COMPUTING * passed
        if self._since is None or mark != self._mark or computing:
            self._since = now
        elif passed > PAUSED * usual_s:
            self._since += passed
        self._mark, self._cpu, self._looked = mark, cpu, now

    def _batches(self) -> int:
        return sum(getattr(iterator, "_num_yielded", 0) for iterator in list(self.iterators))

    def _latest_collective(self, idle_s: float) -> Collective | None:
        """Return the latest collective, once the rank has been idle: the Flight Recorder's dump is long."""
        if idle_s < 1.0:
            return None
        if self._collective[0] != self._mark:
            self._collective = self._mark, _from_flight_recorder(self.backend)
        return self._collective[1]

    def full(self, *, ended: bool = False) -> RankView:
        """Return the latest view with all that there is to compare."""
        replicas, view = self._replicas, self.view
        if replicas is None:
            return view
        return RankView(
            rank=view.rank,
            world_size=view.world_size,
            steps=self._recorder.index,
            position=view.position,
            idle_s=view.idle_s,
            collective=view.collective,
            ended=ended,
            names=tuple(replicas.names),
            checks=replicas.checks(),
            wrapped=replicas.wrapped,
            divided=replicas.divided,
            joined=replicas.joined,
            failed=ended and ending.failed(),
            begun=ended and self._recorder.tracks.track.backward_calls > 0,
            sharded=replicas.sharded,
            batches=dict(replicas.batches),
            times=self._times(),
            fed=self._fed.told() if self._fed is not None else (),
            mean_loss=self._fed is not None and self._fed.mean,
            reduced=replicas.reducing.told(),
        )

    def _times(self) -> tuple[Times, ...]:
        cell: Cell | None = self._recorder.latest
        records = [] if cell is None else [r for r in _copy(cell.window) if r.backward_s is not None]
        told = "gloo" in self.backend and "nccl" not in self.backend and all(r.gpu_s is None for r in records)
        return tuple(
            Times(
                step=record.index,
                duration_s=record.duration_s,
                data_s=record.data_s or 0.0,
                forward_s=record.forward_s or 0.0,
                backward_s=record.backward_s or 0.0,
                optimizer_s=record.optimizer_s or 0.0,
                cpu_s=(record.cpu_s or 0.0) if told else 0.0,
            )
            for record in records[-_MOST_TIMES:]
        )

    def slowest_s(self) -> float | None:
        """Return the slowest usual step, seconds; None before there is one."""
        windows = [_copy(cell.window) for cell in list(self._recorder.cells.values())]
        every: list[tuple[int, float]] = [(r.index, r.duration_s) for window in windows for r in window]
        usual = [duration_s for step, duration_s in every if step >= _WARMUP]
        return max(usual or [duration_s for _, duration_s in every], default=None)


def _copy(window: deque[Any]) -> Sequence[Any]:
    try:
        return list(window)
    except RuntimeError:  # the thread that trains has added one meanwhile: the next look will do
        return []


def _from_flight_recorder(backend: str) -> Collective | None:
    distributed = loaded("torch._C._distributed_c10d")
    if "nccl" in backend and hasattr(distributed, "_dump_nccl_trace_json"):
        return latest_collective(distributed._dump_nccl_trace_json(True, False))  # type: ignore[union-attr]
    if "gloo" in backend and hasattr(distributed, "_dump_fr_trace_json"):
        return latest_collective(distributed._dump_fr_trace_json(True, False, "gloo"))  # type: ignore[union-attr]
    return None
