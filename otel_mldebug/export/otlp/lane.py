"""What waits to be sent of one signal: bounded, the oldest given up first, and everything given up counted."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.export.otlp.link import Link

Send = Callable[[Sequence[Any]], bool]
"""Sends a batch; returns whether it was accepted. Slow; may raise."""


class Lane:
    """One signal on its way to a collector. `put` may be called by any thread, `send` by one only.

    Args:
        signal: Its name.
        link: The collector.
        send: Sends one batch.
        max_items: How many may wait.
        max_batch: How many are sent at a time.
        weigh: How many things one item is, for counting what was given up.
    """

    def __init__(
        self,
        signal: str,
        link: Link,
        send: Send,
        *,
        max_items: int,
        max_batch: int,
        weigh: Callable[[Any], int] = lambda _: 1,
    ) -> None:
        self.signal, self.link = signal, link
        self._send, self._max_items, self._max_batch, self._weigh = send, max_items, max_batch, weigh
        self._waiting: deque[Any] = deque()
        self._under_way: Sequence[Any] = ()
        self._lock = threading.Lock()
        self.dropped = 0
        """Things given up so far."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, item: Any) -> None:
        """Let `item` wait; above the bound the oldest is given up."""
        with self._lock:
            self._waiting.append(item)
            while len(self._waiting) > self._max_items:
                self.dropped += self._weigh(self._waiting.popleft())

    def replace(self, item: Any) -> None:
        """Let `item` wait instead of all that does: for cumulative metrics, where the latest says everything."""
        with self._lock:
            self._waiting.clear()
            self._waiting.append(item)

    def send(self, stop: Callable[[], bool], timeout_s: float) -> None:
        """Send what waits, as far as the collector takes it, until `stop` says so.

        Args:
            stop: Asked between two batches.
            timeout_s: How long it may take to find out that nobody is there, seconds.
        """
        while self._waiting and self.link.ready(timeout_s) and not stop():
            with self._lock:
                batch = [self._waiting.popleft() for _ in range(min(self._max_batch, len(self._waiting)))]
                self._under_way = batch
            if not self._sent(batch):
                return

    def give_up(self) -> None:
        """Count all that still waits as dropped, and what is under way and has not been confirmed."""
        with self._lock:
            self.dropped += sum(map(self._weigh, [*self._waiting, *self._under_way]))
            self._waiting.clear()
            self._under_way = ()

    def _sent(self, batch: list[Any]) -> bool:
        """Send one batch; put it back if there is nobody to take it, give it up if it was refused."""
        try:
            accepted = self._send(batch)
        except Exception as exc:  # noqa: BLE001
            fault(f"send {self.signal} to a collector", exc)
            accepted = False
        with self._lock:
            if not self._under_way:
                return False  # given up meanwhile
            self._under_way = ()
        if accepted:
            self.link.succeeded()
            return True
        if self.link.check():
            with self._lock:
                self.dropped += sum(map(self._weigh, batch))
            self.link.refused(self.signal)
            return True
        self.link.failed("sending failed")
        with self._lock:
            self._waiting.extendleft(reversed(batch))
            while len(self._waiting) > self._max_items:
                self.dropped += self._weigh(self._waiting.popleft())
        return False
