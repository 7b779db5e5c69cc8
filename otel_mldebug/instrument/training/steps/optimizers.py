"""What is known of each optimizer: its name, its cell, and how often its gradients are looked at."""

import math
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

from otel_mldebug.instrument.training.looks.schedule import Purse, Schedule
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from otel_mldebug.instrument.training.tensors.graph import walk
from otel_mldebug.rules.steps import StepRecord

LOOK_SHARE = 0.05
"""Share of the budget that gradient norms may use; half of it in short steps, …"""
SHORT_S = 0.002
"""… which are shorter than this: there the hooks themselves take most of it."""
FIRST_STEPS = 3
"""Steps with a look at each at the beginning, from which the costs are learned."""
MOST_BETWEEN = 200
"""Steps between two looks, at most."""
TROUBLE_STEPS = 50
"""Steps with a look at each, after a first sign of trouble."""
MOST_MADE = 64
"""Optimizers that have not stepped yet and are remembered; programs that make one for each task make thousands."""
MOST_NAMES = 16
"""Optimizers of one class that are told apart."""
PROBE_S = 45e-6
"""What a look at the sentinel costs, seconds. Source: measured in the loop of `benchmarks/steps.py`, caches cold."""
PROBE_SHARE = 0.5
"""Share of what looks may use that looks at the sentinel may use on top."""
MOST_PROBED = 512
"""Elements of a sentinel that are read one by one, which costs less than a reduction."""
_CLIP = 4
"""A measurement counts for at most this many times the average: beyond it the thread was not running."""
_WEIGHT = 0.2
"""Weight of the latest measurement in the moving averages."""


class Known:
    """One optimizer.

    Attributes:
        cell: Counts and window of its steps.
        key: Its identity.
        steps: Steps that it has begun.
        thread: The one that has begun the latest that was not only counted.
        next_look: Value of `steps` at which its gradients are looked at again.
        gradients: How many there were the last time.
        share: Share of the time that looks may use. With a budget of 100 % every step is looked at, whatever it costs.
        looks: When its steps are looked into.
        until: Value of `steps` from which on its steps are not only counted, while they are; …
        loss_alarm: … and an objective that is not below ends it, too.
        sentinel: A small parameter near the input. Its gradient shows most non-finite values between two looks, since
            backward passes them on towards the input. None while steps are too short for it: then the weights that a
            bad gradient has spoilt tell of it one step later.
    """

    __slots__ = (
        "_always",
        "_cost_s",
        "_duration_s",
        "_trouble",
        "_watched_s",
        "_watched_steps",
        "cell",
        "gradients",
        "key",
        "looks",
        "loss_alarm",
        "next_look",
        "sentinel",
        "share",
        "steps",
        "thread",
        "until",
    )

    def __init__(self, cell: Cell, key: int, share: float, purse: Purse) -> None:
        self.cell = cell
        self.key = key
        self.share = share * LOOK_SHARE
        self._always = share >= 1.0
        self.steps = self.until = self.thread = 0
        self.loss_alarm = -math.inf
        self.next_look = self.gradients = 0
        self.looks = Schedule(purse, share)
        self.sentinel: Any = None
        self._trouble = 0
        self._cost_s: float | None = None
        self._duration_s = 0.0
        self._watched_s, self._watched_steps = cell.duration_s, cell.steps

    def looked(self, began: float, ended: float, parameters: list[Any]) -> None:
        """Note a look, and set the next one so that looks stay within their share of the time.

        Args:
            began: When the look began, monotonic seconds.
            ended: When it ended.
            parameters: Some near the input whose gradients are plain tensors that can be read at once.
        """
        cost_s, previous = ended - began, self._cost_s
        # The first looks of a process load code: they say nothing about the next.
        if previous is None or self.steps <= 2:
            self._cost_s = cost_s
        else:
            self._cost_s = previous + _WEIGHT * (min(cost_s, _CLIP * previous) - previous)
        duration_s = self._step_s() * self.cell.busy
        affordable_s = self.share * duration_s * (1.0 if duration_s >= SHORT_S else 0.5)
        between = math.ceil(self._cost_s / affordable_s) if affordable_s > 0 else MOST_BETWEEN
        if self._always or self.steps < self._trouble or self.steps < FIRST_STEPS:
            between = 1
        self.next_look = self.steps + max(1, min(MOST_BETWEEN, between))
        affordable = PROBE_SHARE * affordable_s >= PROBE_S
        smallest = min(parameters, key=lambda p: int(p.numel())) if parameters and affordable else None
        self.sentinel = smallest if smallest is not None and smallest.numel() <= MOST_PROBED else None

    def _step_s(self) -> float:
        """Return how long a step has taken since the latest look, seconds; 0 as long as that is not known."""
        cell = self.cell
        watched_s, steps = cell.duration_s - self._watched_s, cell.steps - self._watched_steps
        if steps > cell.unmeasured and watched_s > 0:
            self._duration_s = watched_s / (steps - cell.unmeasured)
            self._watched_s, self._watched_steps = cell.duration_s, cell.steps - cell.unmeasured
        return self._duration_s

    def uneventful(self) -> bool:
        """Return whether nothing is to be looked at in its next step, nor to be prepared for the one after that.

        If so, `until` and `loss_alarm` say for how long.
        """
        self.loss_alarm = self.cell.loss_alarm
        self.until = min(self.steps + self.cell.next_record - self.cell.steps, self.looks.next_step) - 1
        return self.sentinel is None and self.steps < self.until

    def wake(self) -> None:
        """Have the step that is going on looked at, if it was only to be counted: something has happened in it."""
        self.until, self.loss_alarm = 0, -math.inf

    def worry(self) -> None:
        """Look at every step for a while: something is wrong."""
        self._follow()
        self.looks.worry(self.steps)

    def alarm(self) -> None:
        """Take the norm of its gradients at every step for a while, and look into a few: something is unusual."""
        self._follow()
        self.looks.alarm(self.steps)

    def bare(self) -> None:
        """Look into a few of the next steps: none of its parameters has ever had a gradient when it was looked at."""
        self.next_look = max(self.steps + 1, min(self.next_look, self.looks.bare(self.steps)))

    def _follow(self) -> None:
        self._trouble = self.steps + TROUBLE_STEPS
        self.next_look = self.steps
        self.wake()


class Register:
    """Knows every optimizer that has stepped, by identity, for as long as it lives.

    Names are few, because they are attributes of metrics: the number of a dead optimizer is given to the next one of
    its class, and from `MOST_NAMES` on all share one.

    Args:
        recorder: Has the cells.

    Attributes:
        known: What is known, by identity of the optimizer.
        purse: What looks into steps may cost at the beginning.
    """

    def __init__(self, recorder: StepRecorder) -> None:
        self._recorder = recorder
        self.known: dict[int, Known] = {}
        self.purse = Purse()
        self._made: deque[weakref.ref[Any]] = deque(maxlen=MOST_MADE)
        self._alive: dict[int, weakref.ref[Any]] = {}

    def meet(self, optimizer: Any) -> Known:
        """Start to know `optimizer`."""
        key = id(optimizer)
        cell = self._recorder.cell(self._free_name(type(optimizer).__name__))
        cell.forget()
        known = self.known[key] = Known(cell, key, self._recorder.budget.share, self.purse)
        self._alive[key] = weakref.ref(optimizer, lambda _: self._lose(key))
        return known

    def _free_name(self, kind: str) -> str:
        taken = self.names()
        numbered = (kind if number == 1 else f"{kind}#{number}" for number in range(1, MOST_NAMES))
        return next((name for name in numbered if name not in taken), f"{kind}#{MOST_NAMES}+")

    def _lose(self, key: int) -> None:
        self._alive.pop(key, None)
        known = self.known.pop(key, None)
        if known is not None:
            self._recorder.reporter.retire(known.cell)

    def optimizers(self) -> list[Any]:
        """Return all optimizers that have stepped and are still alive."""
        return [optimizer for ref in list(self._alive.values()) if (optimizer := ref()) is not None]

    def of_thread(self) -> list[Any]:
        """Return those that the calling thread steps.

        Gradients of others must not be touched: a backward pass replaces them without holding the interpreter's lock,
        and whoever reads one at that moment reads freed memory.
        """
        thread = threading.get_ident()
        return [o for o in self.optimizers() if (known := self.known.get(id(o))) is not None and known.thread == thread]

    def made(self, optimizer: Any) -> None:
        """Take note of an optimizer that has just been made, and may or may not step one day."""
        self._made.append(weakref.ref(optimizer))

    def all(self) -> list[Any]:
        """Return all optimizers that are alive, whether they have stepped or not."""
        found = {id(o): o for ref in (*self._made, *list(self._alive.values())) if (o := ref()) is not None}
        return list(found.values())

    def window_of(self, loss: Any) -> Sequence[StepRecord]:
        """Return the latest steps of the optimizer that a backward pass of `loss` is for.

        Of several optimizers that hold a part of its graph it is the one that has not stepped for longest: a
        generator's loss goes through the critic, which has just stepped.
        """
        if len(self.known) < 2:
            return self._recorder.window
        leaves = {id(node.leaf) for node in walk(loss.grad_fn) if node.leaf is not None} if loss.grad_fn else set()
        fitting = [
            self.known[key].cell
            for key, reference in list(self._alive.items())
            if key in self.known and (optimizer := reference()) is not None
            and any(id(p) in leaves for group in optimizer.param_groups for p in group["params"])
        ]  # fmt: skip
        latest = [(cell.window[-1].index, cell) for cell in fitting if cell.window]
        return min(latest, key=lambda pair: pair[0])[1].window if latest else self._recorder.window

    def wake(self) -> None:
        """Have the steps that are going on looked at, also where they were only to be counted."""
        for known in list(self.known.values()):
            known.wake()

    def worry(self) -> None:
        """Look at all optimizers at every step for a while."""
        for known in list(self.known.values()):
            known.worry()

    def alarm(self) -> None:
        """Look at all optimizers a little more closely."""
        for known in list(self.known.values()):
            known.alarm()

    def names(self) -> list[str]:
        """Return their names."""
        return [known.cell.name for known in list(self.known.values())]
