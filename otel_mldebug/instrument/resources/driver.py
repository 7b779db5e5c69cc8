"""Takes readings in threads of its own, and lets OpenTelemetry see only what lies in the cache.

A collection runs our callbacks, perhaps in several readers, perhaps under a lock that a fork would copy. So a callback
reads a dictionary and nothing else; a driver that hangs stops the thread of its probe and nobody else.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_mldebug._guard import fault, guard
from otel_mldebug.instrument import costs
from otel_mldebug.instrument.resources.reading import Probe, Reading
from otel_mldebug.semconv.metric import Metric

MAX_SHARE = 0.01
"""A probe is read so rarely that it takes at most this share of the time of its thread."""
STALE_INTERVALS = 3
"""After so many intervals without a new reading the last one is no longer shown."""
SECOND_S = 1.0
"""Seconds between the first reading and the second, at most."""
_STOP_TIMEOUT_S = 0.5
_spent_ns: dict[str, int] = {}
"""Processor time that each probe has taken; only the thread that reads it writes it."""


def spent_ns() -> int:
    """Return the processor time of all readings so far, nanoseconds."""
    return sum(list(_spent_ns.values()))


costs.add_source(spent_ns, background=True)


class Sampler:
    """Reads one probe again and again.

    Args:
        probe: What to read.
        interval_s: Seconds between two readings.
        clock: Monotonic seconds.
    """

    def __init__(self, probe: Probe, interval_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.probe = probe
        self._interval_s, self._clock = interval_s, clock
        self._wait_s = interval_s
        self._latest: tuple[float, dict[str, list[Reading]]] = (clock(), {})
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    def start(self) -> None:
        """Take the first readings at once, and go on until `stop`."""
        self._thread = threading.Thread(target=self._run, name=f"otel-mldebug {self.probe.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more readings; the last ones are shown until they are too old, so also in a last collection.

        A reading that hangs is left behind after half a second.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_S)
            if self._thread.is_alive():
                return  # it may be inside the driver: what it holds cannot be released under its feet
        with guard(f"stop reading {self.probe.name}"):
            self.probe.close()

    def sample(self) -> None:
        """Take readings now and put them into the cache; nothing is in it when that fails."""
        began_s = self._clock()
        began_ns = time.thread_time_ns()
        by_metric: dict[str, list[Reading]] = {}
        try:
            readings = self.probe.read()
            if readings is None:
                self._stop.set()
            for reading in readings or ():
                by_metric.setdefault(reading.metric.name, []).append(reading)
        except Exception as exc:  # noqa: BLE001
            by_metric = {}
            fault(f"read {self.probe.name}", exc)
        now_s = self._clock()
        self._wait_s = max(self._interval_s, (now_s - began_s) / MAX_SHARE)
        if not self._stop.is_set():
            self._latest = (now_s, by_metric)
        name = self.probe.name
        _spent_ns[name] = _spent_ns.get(name, 0) + time.thread_time_ns() - began_ns

    def readings(self, metric: Metric) -> list[Reading]:
        """Return what is in the cache; nothing when it is too old, or was taken by the process that forked this one."""
        taken_s, by_metric = self._latest
        if self._clock() - taken_s > STALE_INTERVALS * self._wait_s or os.getpid() != self._pid:
            return []
        return by_metric.get(metric.name, [])

    def _run(self) -> None:
        self.sample()
        self._stop.wait(min(SECOND_S, self._wait_s))  # shares of time need two readings: soon, for short programs too
        while not self._stop.is_set():
            self.sample()
            self._stop.wait(self._wait_s)


class Driver:
    """Several probes, each with a sampler; and one observable instrument for each metric.

    Args:
        meter: Where the instruments are registered.
        samplers: What feeds them.
    """

    def __init__(self, meter: Meter, samplers: Sequence[Sampler]) -> None:
        self.samplers = tuple(samplers)
        create = {
            "gauge": meter.create_observable_gauge,
            "counter": meter.create_observable_counter,
            "updowncounter": meter.create_observable_up_down_counter,
        }
        for metric in dict.fromkeys(metric for sampler in samplers for metric in sampler.probe.metrics):
            make = create[metric.instrument]
            make(metric.name, [self._callback(metric)], unit=metric.unit, description=metric.brief)

    def _callback(self, metric: Metric) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            return [
                Observation(reading.value, dict(reading.attributes))
                for sampler in self.samplers
                for reading in sampler.readings(metric)
            ]

        return observe

    def start(self) -> None:
        """Start all samplers."""
        for sampler in self.samplers:
            sampler.start()

    def stop(self) -> None:
        """Stop all samplers."""
        for sampler in self.samplers:
            sampler.stop()
