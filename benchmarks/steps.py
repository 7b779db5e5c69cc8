"""What watching costs a training step: the same steps with and without our hooks, in turn, in one process.

Everything is in place as in a user's run: the local store, spans, metrics, detectors. Only the hooks in PyTorch are
switched between two steps, so that both see the same machine, and what is done once is done before. What our other
threads do, all of it, is measured while hooks stay in, as in a user's run, and added: some of it comes by the second,
and with hooks taken out half of the time each step would get twice of that.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.figure import Figure
from benchmarks.timing import difference, median, ratio
from benchmarks.workloads import WORKLOADS, Program, Step, Workload
from otel_mldebug.instrument.training import options
from otel_mldebug.instrument.training.hooks import pytorch
from otel_mldebug.instrument.training.hooks.lossfunctions import NAMES as LOSSES

SAMPLED = 50
"""Steps between two looks where layers are sampled."""
WARM_S, LEAST_WARM = 10.0, 10
"""Processor time, seconds, after which steps at the beginning have been enough, and how many there are at least."""
BESIDE_S = 10.0
"""Processor time, seconds, of the steps beside which our other threads are measured."""
NOTHING = "off"
WATCHED = "on"


class Switch:
    """Takes our hooks out of the training path and puts them back, without installing anew.

    Args:
        torch: The module.
    """

    def __init__(self, torch: Any) -> None:
        loader = torch.utils.data.dataloader._BaseDataLoaderIter
        optimizers = sys.modules["torch.optim.optimizer"]
        functions = ((torch.nn.functional, name) for name in (*LOSSES, "dropout", "batch_norm"))
        self._places = ((torch.autograd, "backward"), (loader, "__next__"), *functions)
        self._hooks = (optimizers._global_optimizer_pre_hooks, optimizers._global_optimizer_post_hooks)
        pytorch.uninstall()
        before = [getattr(owner, name) for owner, name in self._places]
        pytorch.install(torch)
        after = [getattr(owner, name) for owner, name in self._places]
        self._values = {NOTHING: before, WATCHED: after}
        self._installed = [dict(hooks) for hooks in self._hooks]
        self._state = WATCHED
        installed = pytorch.installation()
        if installed is None:
            raise RuntimeError("nothing is installed")
        self.recorder = installed.recorder

    def __call__(self, state: str) -> None:
        """Switch to `on` or `off`."""
        for (owner, name), value in zip(self._places, self._values[state], strict=True):
            setattr(owner, name, value)
        if state != self._state:
            self._state = state
            if state == NOTHING:  # one of them is not there where steps are only counted
                self._installed = [dict(hooks) for hooks in self._hooks]
            for hooks, ours in zip(self._hooks, self._installed, strict=True):
                hooks.clear()
                if state == WATCHED:
                    hooks.update(ours)
        self.recorder.tracks.track.begin(time.perf_counter())


def paired(torch: Any, step: Step, block: int, repeats: int, run: int = 1) -> tuple[dict[str, list[float]], int]:
    """Measure blocks of steps, with our hooks (`on`) and without (`off`), in turn.

    Args:
        torch: The module.
        step: Does one step.
        block: Steps with hooks in each block, and as many without.
        repeats: Blocks.
        run: Steps between two switches.

    Returns:
        Processor seconds of each block, and how many steps with hooks were not counted.
    """
    times: dict[str, list[float]] = {WATCHED: [], NOTHING: []}
    switch = Switch(torch)
    _warm(switch, step)
    gc.collect()
    beside = _beside(step)
    counted = switch.recorder.index
    for _ in range(repeats):
        spent = {WATCHED: 0.0, NOTHING: 0.0}
        for number in range(block // run):
            for name in (WATCHED, NOTHING) if number % 2 else (NOTHING, WATCHED):
                switch(name)
                started_s = time.thread_time()
                for _ in range(run):
                    step()
                spent[name] += time.thread_time() - started_s
        spent[WATCHED] *= 1 + beside
        for name, seconds in spent.items():
            times[name].append(seconds)
    missed = repeats * (block // run) * run - (switch.recorder.index - counted)
    switch(WATCHED)
    pytorch.uninstall()
    return times, missed


def _warm(switch: Switch, step: Step) -> None:
    """Run what is not the same as all that follows, which `short` has.

    Steps 0 to 255 get a record each, and looks into first steps have an allowance of their own, which is gone then.
    """
    switch(WATCHED)
    end_s = time.process_time() + WARM_S
    number = 0
    while number <= LEAST_WARM or time.process_time() < end_s:
        step()
        number += 1
    installed = pytorch.installation()
    if installed is not None:
        installed.watch.optimizers.purse.first_s = 0.0


def _beside(step: Step) -> float:
    """Return processor time of all other threads over that of steps with hooks, while those go on."""
    own_s, whole_s = time.thread_time(), time.process_time()
    while time.thread_time() - own_s < BESIDE_S:
        step()
    own_s, whole_s = time.thread_time() - own_s, time.process_time() - whole_s
    return (whole_s - own_s) / own_s


def sampled(torch: Any, work: Workload, *, quick: bool) -> Figure:
    """Return the ratio with a look at every layer each 50 steps, or as often as that is paid for.

    Blocks have several looks where steps are short, since the distance between two of them may be longer there.
    """
    options.use(options.Options(layers=SAMPLED))
    try:
        block = max(SAMPLED, 10 * work.block)
        repeats = max(4, work.rounds * work.block // block) * (1 if quick else 4)
        times, _ = paired(torch, work.make(torch).step, block, repeats)
    finally:
        options.use(options.Options())
    note = f"{work.note}; a look at every layer each {SAMPLED} steps"
    return ratio(f"steps.{work.name}.layers.ratio", times[WATCHED], times[NOTHING], limit=work.layers, note=note)


def compared(torch: Any, work: Workload, program: Program, *, quick: bool) -> Iterable[Figure]:
    """Yield the ratios of what people would use instead, and ours, each in blocks of its own, in turn."""
    switch = Switch(torch)
    _warm(switch, program.step)
    variants = {WATCHED: peers.nothing, **peers.PEERS}
    times: dict[str, list[float]] = {name: [] for name in (NOTHING, *variants)}
    order = list(times)
    for _ in range(3 if quick else 10):
        for name in order:
            switch(WATCHED if name == WATCHED else NOTHING)
            gc.collect()
            started_s = time.process_time()
            with variants.get(name, peers.nothing)(torch, program.net) as after:
                for _ in range(peers.BLOCK):
                    program.step()
                    after()
            times[name].append(time.process_time() - started_s)
        order.append(order.pop(0))
    switch(WATCHED)
    pytorch.uninstall()
    for name in variants:
        note = f"{work.name}: {peers.NOTES[name]}"
        yield ratio(f"steps.compare.{work.name}.{name}", times[name], times[NOTHING], note=note)


def measured(torch: Any, work: Workload, *, quick: bool) -> Iterable[Figure]:
    """Yield the figures of one workload."""
    torch.manual_seed(0)
    try:
        program = work.make(torch)
    except Exception as exc:  # noqa: BLE001  (whatever a missing compiler raises)
        print(f"steps.{work.name} is left out: {type(exc).__name__}: {str(exc).splitlines()[:1]}")
        return
    times, missed = paired(torch, program.step, work.block, work.rounds * (1 if quick else 4), work.run)
    off = times[NOTHING]
    note = f"{work.note}; {median(off) / work.block * 1e3:.3g} ms a step"
    yield ratio(f"steps.{work.name}.ratio", times[WATCHED], off, limit=work.limit, note=note)
    yield difference(f"steps.{work.name}.cost", times[WATCHED], off, calls=work.block)
    yield Figure(name=f"steps.{work.name}.missed", value=missed, unit="1", limit=0, note="steps that were not counted")
    if work.layers is not None:
        yield sampled(torch, work, quick=quick)
    if work.peers or not quick:
        yield from compared(torch, work, program, quick=quick)


def measure(quick: bool) -> Iterable[Figure]:
    """Yield the figures of all workloads."""
    import torch

    import otel_mldebug

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        otel_mldebug.configure(store=Path(directory), resources=False)
        try:
            for work in WORKLOADS:
                yield from measured(torch, work, quick=quick)
        finally:
            otel_mldebug.shutdown()
