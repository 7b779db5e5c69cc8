"""This process: processor time, memory, threads, file descriptors, disk traffic, age, garbage collections."""

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil

from otel_mldebug.instrument.resources.reading import Probe, Reading
from otel_mldebug.semconv import names

PROCESS = (
    names.PROCESS_CPU_TIME,
    names.PROCESS_CPU_UTILIZATION,
    names.PROCESS_MEMORY_USAGE,
    names.PROCESS_MEMORY_VIRTUAL,
    names.PROCESS_THREAD_COUNT,
    names.PROCESS_UNIX_FILE_DESCRIPTOR_COUNT,
    names.PROCESS_DISK_IO,
    names.PROCESS_UPTIME,
    names.CPYTHON_GC_COLLECTIONS,
)


def process() -> Probe:
    """Return the probe of this process."""
    return Probe("the process", PROCESS, Own(psutil.Process()).read)


class Own:
    """Reads a process; shares of processor time are over the time since the last reading.

    Args:
        this: A `psutil.Process`.
        clock: Monotonic seconds.
        now: Seconds since the epoch.
        processors: Logical processors of the host; the real number by default.
    """

    def __init__(
        self,
        this: Any,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        processors: int | None = None,
    ) -> None:
        self._this, self._clock, self._now = this, clock, now
        self._processors = processors or psutil.cpu_count() or 1
        self._before: tuple[float, dict[str, float]] | None = None

    def read(self) -> Iterator[Reading]:
        """Yield what the operating system tells of the process; what it does not tell is absent."""
        with self._this.oneshot():
            yield from self._processor_time()
            memory = self._this.memory_info()
            yield Reading(names.PROCESS_MEMORY_USAGE, memory.rss, {})
            yield Reading(names.PROCESS_MEMORY_VIRTUAL, memory.vms, {})
            yield Reading(names.PROCESS_THREAD_COUNT, self._this.num_threads(), {})
            yield Reading(names.PROCESS_UPTIME, max(0.0, self._now() - self._this.create_time()), {})
            yield from self._where_offered()
        for generation, counted in enumerate(gc.get_stats()):
            yield Reading(
                names.CPYTHON_GC_COLLECTIONS, counted["collections"], {names.CPYTHON_GC_GENERATION: generation}
            )

    def _processor_time(self) -> Iterator[Reading]:
        times = self._this.cpu_times()
        now = (self._clock(), {"user": times.user, "system": times.system})
        before, self._before = self._before, now
        for mode, seconds in now[1].items():
            yield Reading(names.PROCESS_CPU_TIME, seconds, {names.CPU_MODE: mode})
            if before is not None and now[0] > before[0]:
                share = (seconds - before[1][mode]) / (now[0] - before[0]) / self._processors
                share = min(1.0, max(0.0, share))  # times come in ticks, which may be longer than what has passed
                yield Reading(names.PROCESS_CPU_UTILIZATION, share, {names.CPU_MODE: mode})

    def _where_offered(self) -> Iterator[Reading]:
        """Yield what only some systems have, or only tell the owner."""
        try:
            if hasattr(self._this, "num_fds"):
                yield Reading(names.PROCESS_UNIX_FILE_DESCRIPTOR_COUNT, self._this.num_fds(), {})
            if hasattr(self._this, "io_counters"):
                counters = self._this.io_counters()
                yield Reading(names.PROCESS_DISK_IO, counters.read_bytes, {names.DISK_IO_DIRECTION: "read"})
                yield Reading(names.PROCESS_DISK_IO, counters.write_bytes, {names.DISK_IO_DIRECTION: "write"})
        except (psutil.AccessDenied, NotImplementedError):
            return
