"""Whether a collector can be reached: tried before anything is sent, and less and less often while it cannot."""

import socket
from collections.abc import Callable
from contextlib import suppress

from otel_mldebug._guard import log

PROBE_S = 0.5
"""How long a connection may take to be made."""
FIRST_RETRY_S = 1.0
LAST_RETRY_S = 30.0


class Link:
    """One collector. Used by one thread.

    Args:
        endpoint: For people.
        address: Host and port; None when only sending shows whether it is there.
        clock: Seconds that only go forward.
        connect: Tries a connection within so many seconds; raises OSError if there is none.
    """

    def __init__(
        self,
        endpoint: str,
        address: tuple[str, int] | None,
        *,
        clock: Callable[[], float],
        connect: "Callable[[tuple[str, int], float], None] | None" = None,
    ) -> None:
        self.endpoint = endpoint
        self._address, self._clock, self._connect = address, clock, connect or _connect
        self._up: bool | None = None
        self._retry_at_s = self._failed_at_s = 0.0
        self._wait_s = FIRST_RETRY_S
        self._warned = self._complained = False

    @property
    def up(self) -> bool:
        """Whether the last attempt succeeded."""
        return self._up is True

    def ready(self, timeout_s: float = PROBE_S) -> bool:
        """Return whether something may be sent now. Tries a connection where that is not known."""
        if self._up:
            return True
        if self._up is False and self._clock() < self._retry_at_s:
            return False
        if self._address is not None:
            try:
                self._connect(self._address, max(0.05, timeout_s))
            except OSError as exc:
                self.failed(exc.strerror or str(exc) or type(exc).__name__)
                return False
            self.succeeded()
        return True

    def last_chance(self) -> None:
        """Let the next `ready` try a connection, unless one was tried within the last second: the process ends."""
        if self._up is False and self._clock() - self._failed_at_s >= FIRST_RETRY_S:
            self._retry_at_s = self._clock()

    def check(self) -> bool:
        """Return whether the collector is still there after something could not be sent."""
        if self._address is None:
            return False
        try:
            self._connect(self._address, PROBE_S)
        except OSError:
            return False
        return True

    def succeeded(self) -> None:
        """Note that it is there."""
        if self._up is False and self._warned:
            log.info("the collector at %s can be reached again", self.endpoint)
        self._up, self._wait_s = True, FIRST_RETRY_S

    def refused(self, signal: str) -> None:
        """Note that it is there and did not take what was sent, and say so the first time in this process."""
        if not self._complained:
            self._complained = True
            log.warning(
                "the collector at %s does not take our %s; `otel-mldebug doctor` says more", self.endpoint, signal
            )

    def failed(self, reason: str) -> None:
        """Note that it is not there, and say so the first time in this process."""
        self._up = False
        self._failed_at_s = self._clock()
        self._retry_at_s = self._failed_at_s + self._wait_s
        self._wait_s = min(LAST_RETRY_S, self._wait_s * 2)
        if not self._warned:
            self._warned = True
            log.warning(
                "no OpenTelemetry collector at %s (%s): the local store keeps everything, sending is tried again",
                self.endpoint, reason,
            )  # fmt: skip


def _connect(address: tuple[str, int], timeout_s: float) -> None:
    with socket.create_connection(address, timeout=timeout_s) as connection, suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
