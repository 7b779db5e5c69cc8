"""The thread that sends: wakes when something waits, and at the end of the process keeps to a deadline."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_mldebug._guard import guard
from otel_mldebug.export.otlp.lane import Lane
from otel_mldebug.export.otlp.link import PROBE_S

DELAY_S = 1.0
"""How long things wait for company."""
_NOISY = (
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.common.http",
    "urllib3.connectionpool",
)
"""Loggers of what we send with: each failed attempt is a line or a stack trace of theirs. We say it once."""


class Courier:
    """Sends lanes of signals until `close`.

    Args:
        lanes: What is sent.
        hang_up: Closes the exporters, and so ends an attempt that is under way.
        delay_s: How long things wait for company, seconds.
    """

    def __init__(self, lanes: Sequence[Lane], hang_up: Callable[[], None], *, delay_s: float = DELAY_S) -> None:
        self.lanes = lanes
        self._hang_up, self._delay_s = hang_up, delay_s
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._deadline_s = float("inf")
        self._thread = threading.Thread(target=self._run, name="otel-mldebug-otlp", daemon=True)
        self._silence = _Silence(self._thread)
        for name in _NOISY:
            logging.getLogger(name).addFilter(self._silence)
        self._thread.start()

    def wake(self) -> None:
        """Say that something waits. Cheap."""
        if not self._wake.is_set():
            self._wake.set()

    def close(self, timeout_s: float) -> None:
        """Send what waits within `timeout_s` seconds; what has not gone by then is counted as dropped."""
        self._deadline_s = time.monotonic() + timeout_s
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout_s)
        with guard("hang up on the collector"):
            self._hang_up()
        for lane in self.lanes:
            lane.give_up()
        self._unsilence()

    def abandon(self) -> None:
        """Forget everything, in a forked child: the thread and what waits are the parent's."""
        self._stopping.set()
        self._unsilence()

    def _run(self) -> None:
        with suppress_instrumentation():
            while not self._stopping.is_set():
                self._wake.wait(None if not any(map(len, self.lanes)) else self._delay_s)
                self._stopping.wait(self._delay_s)
                self._wake.clear()
                self._send()
            for lane in self.lanes:
                lane.link.last_chance()
            self._send()

    def _send(self) -> None:
        for lane in self.lanes:
            left_s = self._deadline_s - time.monotonic()
            with guard(f"send {lane.signal}"):
                lane.send(self._late, min(PROBE_S, left_s / 2))

    def _late(self) -> bool:
        return time.monotonic() > self._deadline_s

    def _unsilence(self) -> None:
        for name in _NOISY:
            logging.getLogger(name).removeFilter(self._silence)


class _Silence(logging.Filter):
    """Lets nothing through that is logged by our own thread; everybody else's exporters keep their voice."""

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, record: Any) -> bool:
        return bool(record.thread != self._thread.ident)
