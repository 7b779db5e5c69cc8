"""`profile_steps`: a short look with torch.profiler at a few steps, kept with the run."""

import sys
import threading
import time
from pathlib import Path
from typing import Any

from typing_extensions import override

from otel_mldebug._guard import guard, log
from otel_mldebug.errors import UsageError
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training import progress
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category, Severity

MOST_STEPS = 100
"""Steps of one window: a step makes between hundreds and millions of events."""
MOST_WINDOWS = 8
"""Windows whose traces one process keeps."""
MOST_BYTES = 128 * 2**20
"""A trace that is larger is removed again."""
SHOWN = 5
"""Operations that the finding names."""

_running = threading.Lock()
_windows = 0
_profiling = False


def under_way() -> bool:
    """Return whether steps are being profiled now: what we do ourselves would stand in the trace."""
    return _profiling


def profile_steps(n: int = 10, *, skip: int = 1, shapes: bool = False, memory: bool = False) -> "Window":
    """Profile the next `n` steps of optimizers with torch.profiler; as a block, or with `start()` and `stop()`.

    Where it takes the time is reported as a finding, and the trace is kept with the run, for chrome://tracing or
    Perfetto. Without steps of an optimizer, as in inference, the whole block is profiled. Steps under it are slower.

    Args:
        n: Steps, 1 to 100.
        skip: Steps before them, 0 or more: the first ones load code.
        shapes: Record shapes of inputs, too.
        memory: Record allocations, too.

    Raises:
        UsageError: `n` or `skip` is out of range.
    """
    if not 1 <= n <= MOST_STEPS or skip < 0:
        raise UsageError(f"profile_steps({n}, skip={skip}): give 1 to {MOST_STEPS} steps and skip 0 or more.")
    return Window(n, skip, shapes=shapes, memory=memory)


class Window:
    """One stretch of steps under the profiler. `str` gives its table.

    Attributes:
        steps: Steps that were profiled.
        file: The trace; None where nothing is kept.
    """

    def __init__(self, n: int, skip: int, *, shapes: bool, memory: bool) -> None:
        self._n, self._left = n, skip
        self._options = {"record_shapes": shapes, "profile_memory": memory}
        self._profiler: Any = None
        self._handle: Any = None
        self._began_s = 0.0
        self._first = 0
        self._table = "Nothing has been profiled yet."
        self._held = False
        self.steps = 0
        self.file: Path | None = None

    def start(self) -> "Window":
        """Begin: at once if no step is to be skipped, else that many steps later."""
        import torch

        self._held = _running.acquire(blocking=False)
        if not self._held:
            log.warning("profile_steps: another window is open, so this one stays empty")
            return self
        with guard("profile steps"):
            optimizers = sys.modules["torch.optim.optimizer"]
            self._handle = optimizers.register_optimizer_step_post_hook(self._stepped)
            if not self._left:
                self._open(torch)
        return self

    def stop(self) -> None:
        """End, if it has not by itself; a second call does nothing."""
        global _profiling
        if self._handle is not None:
            self._handle.remove()
            self._handle = None
        profiler, self._profiler = self._profiler, None
        if profiler is not None:
            _profiling = False
            with guard("profile steps"):
                profiler.stop()
                self._tell(profiler, time.perf_counter() - self._began_s)
        if self._held:
            self._held = False
            _running.release()

    def _open(self, torch: Any) -> None:
        global _profiling
        activities = [torch.profiler.ProfilerActivity.CPU]
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        self._first = int(progress.context().get("step", 0))
        self._began_s = time.perf_counter()
        self._profiler = torch.profiler.profile(activities=activities, **self._options)
        self._profiler.start()
        _profiling = True

    def _stepped(self, *_: Any) -> None:
        with guard("profile steps"):
            if self._profiler is None:
                self._left -= 1
                if self._left <= 0 and not self.steps:
                    self._open(sys.modules["torch"])
                return
            self.steps += 1
            if self.steps >= self._n:
                self.stop()

    def _tell(self, profiler: Any, took_s: float) -> None:
        global _windows
        averages = profiler.key_averages()
        device = max((getattr(a, "self_device_time_total", 0.0) for a in averages), default=0.0) > 0
        key = "self_device_time_total" if device else "self_cpu_time_total"
        self._table = str(averages.table(sort_by=key, row_limit=20, max_name_column_width=50))
        shares = _shares(averages, key)
        what = f"steps {self._first} to {self._first + self.steps - 1}" if self.steps else "one block"
        each_s = took_s / max(1, self.steps)
        top = ", ".join(f"{name} {share:.0%}" for name, share in shares[:3])
        _windows += 1
        kept = _windows <= MOST_WINDOWS
        name = f"profile-{_windows}.json.gz"
        evidence: dict[str, Any] = {
            "step": self._first,
            "steps": self.steps,
            "step_s": each_s,
            "top": tuple(f"{name} {share:.3f}" for name, share in shares),
            "of": "device" if device else "processor",
        }
        if kept:
            evidence["file"] = name
        sinks.current().finding(_finding(what, each_s, top, evidence, device), step=self._first)
        if kept and (directory := sinks.current().directory()) is not None:
            self._export(profiler, directory / name)

    def _export(self, profiler: Any, path: Path) -> None:
        profiler.export_chrome_trace(str(path))
        if path.stat().st_size > MOST_BYTES:
            path.unlink()
            log.warning(
                "the trace %s is above %d MiB and was removed; profile fewer steps", path.name, MOST_BYTES >> 20
            )
        else:
            self.file = path

    def __enter__(self) -> "Window":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @override
    def __str__(self) -> str:
        return self._table


def _shares(averages: Any, key: str) -> list[tuple[str, float]]:
    """Return the operations that take the most time themselves, with their shares of all."""
    times = sorted(((float(getattr(a, key, 0.0)), str(a.key)) for a in averages), reverse=True)
    total = sum(t for t, _ in times) or 1.0
    return [(name, t / total) for t, name in times[:SHOWN] if t > 0]


def _finding(what: str, each_s: float, top: str, evidence: dict[str, Any], device: bool) -> Finding:
    return Finding(
        rule="profile.window",
        category=Category.TRAINING,
        severity=Severity.INFO,
        summary=f"Profiled {what}: {each_s * 1e3:.3g} ms each; most time in {top or 'nothing that was seen'}.",
        cause=f"This is where the {'device' if device else 'processor'} spent its time, the profiler's included.",
        solutions=(
            "Open the trace in Perfetto (ui.perfetto.dev) and look for gaps and for long operations.",
            "Compare with a window of a fast run: the operation that grew is the cause.",
        ),
        prevention="Profile a few steps of each new model before a long run.",
        confidence=1.0,
        basis="detector",
        evidence=evidence,
    )
