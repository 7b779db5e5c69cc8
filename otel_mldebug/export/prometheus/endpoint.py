"""Page, server and target file of one process, put in place and taken away together."""

from collections.abc import Callable, Mapping
from pathlib import Path

from opentelemetry.sdk.metrics.export import MetricReader

from otel_mldebug._guard import guard, log
from otel_mldebug.export.gates import Snapshots
from otel_mldebug.export.prometheus.address import Address
from otel_mldebug.export.prometheus.page import Page
from otel_mldebug.export.prometheus.server import TRIES, Server
from otel_mldebug.export.prometheus.targets import TargetFile


class Endpoint:
    """The Prometheus endpoint of this process. What of it cannot be had is said in one line; the rest goes on.

    Args:
        address: Where it is wanted.
        add_reader: Registers a reader with the meter provider; returns whether that was possible.
        labels: Attributes for every series that the provider's resource lacks.
        targets: Directory for the target file; None for none.
        target_labels: Labels of the target: `job` and `instance`.
    """

    def __init__(
        self,
        address: Address,
        add_reader: Callable[[MetricReader], bool],
        *,
        labels: Mapping[str, object],
        targets: Path | None,
        target_labels: Mapping[str, str],
    ) -> None:
        self._server: Server | None = None
        self._file: TargetFile | None = None
        reader = Snapshots()
        if not add_reader(reader):
            log.warning("Prometheus metrics are off: the OpenTelemetry SDK in place takes no further readers")
            return
        try:
            self._server = Server(Page(reader.take, labels), address)
        except OSError as exc:
            log.warning(
                "Prometheus metrics are off: cannot listen on %s nor on the %d ports after it: %s",
                address.target, TRIES - 1, exc,
            )  # fmt: skip
            return
        if targets is not None:
            try:
                self._file = TargetFile(targets, self._server.address, target_labels)
            except OSError as exc:
                log.warning("Prometheus cannot find %s by itself: %s", self._server.address.url, exc)

    @property
    def address(self) -> Address | None:
        """Where it listens; None when it does not."""
        return None if self._server is None else self._server.address

    def close(self) -> None:
        """Take everything away."""
        if self._file is not None:
            self._file.remove()
        if self._server is not None:
            with guard("stop the Prometheus endpoint"):
                self._server.close()

    def abandon(self) -> None:
        """Let go of the parent's socket in a forked child."""
        if self._server is not None:
            with guard("let go of the Prometheus endpoint"):
                self._server.abandon()
