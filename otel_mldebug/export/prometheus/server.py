"""The HTTP server of the page: on loopback unless told otherwise, on the next free port if the wanted one is taken."""

import errno
import socket
import socketserver
import threading
from http.server import ThreadingHTTPServer

from prometheus_client import CollectorRegistry, MetricsHandler
from typing_extensions import override

from otel_mldebug._guard import log
from otel_mldebug.export.prometheus.address import Address
from otel_mldebug.export.prometheus.page import Page

TRIES = 100
"""How many ports are tried, the wanted one included."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    @override
    def server_bind(self) -> None:
        # The base class looks its own host name up, which takes seconds where name resolution is broken.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class Server:
    """Serves one page in a thread of its own until `close`.

    Args:
        page: What is shown.
        address: Where to listen; port 0 takes any free one.

    Raises:
        OSError: none of the ports can be had.
    """

    def __init__(self, page: Page, address: Address) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(page)
        self._server = _listen(address, MetricsHandler.factory(registry))
        self.address = Address(address.host, self._server.server_port)
        """Where it really listens."""
        if address.port not in (0, self.address.port):
            log.info("port %d is taken: Prometheus metrics are on %s", address.port, self.address.url)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.2},
            name="otel-mldebug-prometheus",
            daemon=True,
        )
        self._thread.start()

    def close(self, timeout_s: float = 0.5) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout_s)

    def abandon(self) -> None:
        """Close the inherited socket in a forked child: the port is the parent's."""
        self._server.socket.close()


def _listen(address: Address, handler: type[MetricsHandler]) -> _Server:
    family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    kind = type("_Server", (_Server,), {"address_family": family})
    last = 65535 if address.port else 0
    problem: OSError | None = None
    for port in range(address.port, min(address.port + (TRIES if address.port else 1), last + 1)):
        try:
            server: _Server = kind((address.host, port), handler)
        except OSError as exc:  # noqa: PERF203
            if exc.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            problem = exc
        else:
            return server
    raise problem or OSError(errno.EADDRINUSE, f"no port to be had from {address.port} on")
