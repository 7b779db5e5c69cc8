"""What people would use instead: ways to watch training that come with PyTorch, or that trackers offer.

All are written here for the comparison. Each is a context in which a block of steps runs, and returns what is to be
called after each of them.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

BLOCK = 50
"""Steps in one block."""
BINS = 64
"""Of a histogram: as many as trackers take."""
EVERY = 1000
"""Backward passes between two histograms, by default."""

Peer = Callable[[Any, Any], AbstractContextManager[Callable[[], None]]]
"""Takes the module `torch` and a model."""


@contextmanager
def nothing(torch: Any, net: Any) -> Iterator[Callable[[], None]]:
    """Do nothing."""
    yield lambda: None


class Histograms:
    """Hooks on all parameters that make histograms of their gradients, as trackers do when told to watch a model.

    Args:
        torch: The module.
        net: The model.
        every: Backward passes between two of them.
    """

    def __init__(self, torch: Any, net: Any, every: int) -> None:
        self._torch = torch
        self._every = every
        self.kept: dict[str, tuple[list[float], float, float]] = {}
        self._handles = [
            parameter.register_hook(self._hook(name))
            for name, parameter in net.named_parameters()
            if parameter.requires_grad
        ]

    def _hook(self, name: str) -> Callable[[Any], None]:
        calls = 0

        def hook(gradient: Any) -> None:
            nonlocal calls
            calls += 1
            if calls % self._every == 0:
                flat = gradient.detach().reshape(-1)
                flat = flat[flat.isfinite()]
                low, high = flat.min().item(), flat.max().item()
                counts = self._torch.histc(flat, bins=BINS, min=low, max=high)
                self.kept[name] = counts.tolist(), low, high

        return hook

    def remove(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()


def histograms(every: int) -> Peer:
    """Return a peer that makes histograms of all gradients each `every` steps."""

    @contextmanager
    def watching(torch: Any, net: Any) -> Iterator[Callable[[], None]]:
        hooks = Histograms(torch, net, every)
        try:
            yield lambda: None
        finally:
            hooks.remove()

    return watching


@contextmanager
def anomaly(torch: Any, net: Any) -> Iterator[Callable[[], None]]:
    """Look for NaN in every backward operation, and keep the stack of every forward one."""
    with torch.autograd.set_detect_anomaly(True):
        yield lambda: None


@contextmanager
def profiler(torch: Any, net: Any) -> Iterator[Callable[[], None]]:
    """Profile all steps."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        yield profile.step


@contextmanager
def profiler_schedule(torch: Any, net: Any) -> Iterator[Callable[[], None]]:
    """Profile three steps twice, as PyTorch's tutorial does, and write traces."""
    with tempfile.TemporaryDirectory() as directory:
        numbers = iter(range(BLOCK))

        def write(profile: Any) -> None:
            profile.export_chrome_trace(str(Path(directory, f"{next(numbers)}.json")))

        with torch.profiler.profile(
            activities=[torch.profiler.ProfilerActivity.CPU],
            schedule=torch.profiler.schedule(wait=1, warmup=1, active=3, repeat=2),
            on_trace_ready=write,
        ) as profile:
            yield profile.step


PEERS: Mapping[str, Peer] = {
    "histograms": histograms(EVERY),
    "histograms_50": histograms(BLOCK),
    "anomaly": anomaly,
    "profiler": profiler,
    "profiler_schedule": profiler_schedule,
}
NOTES: Mapping[str, str] = {
    "on": "otel-mldebug, in the same run",
    "histograms": f"hooks on all parameters, histograms of gradients each {EVERY} steps (none in this run)",
    "histograms_50": f"hooks on all parameters, histograms of gradients each {BLOCK} steps",
    "anomaly": "torch.autograd.set_detect_anomaly(True)",
    "profiler": "torch.profiler all the time, CPU activities",
    "profiler_schedule": f"torch.profiler for 2 x 3 of {BLOCK} steps, traces written",
}
