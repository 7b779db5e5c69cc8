"""An HTTP server on loopback that fails in every way a provocation asks for."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STOP = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer `/STATUS…` with that status, and the words below with what they say."""
        word = self.path.strip("/").split("/")[0].split("?")[0]
        if word.isdigit():
            self._answer(int(word), b"no")
        elif word == "garbage":
            self._answer(200, b"<html>not JSON</html>")
        elif word == "silent":
            STOP.wait(5)
        elif word == "loop":
            self._answer(302, b"", Location="/loop")
        elif word == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"short")
            self._hang_up()
        elif word == "hangup":
            self._hang_up()
        elif word == "hub":
            self._hub()

    do_HEAD = do_GET  # noqa: N815  (named by http.server)

    def _hub(self) -> None:
        """Answer as the hub does for a repository that is not there, or that one must ask for: `/hub/CODE/…`."""
        code = self.path.split("/")[2]
        status = {"RepoNotFound": 401, "GatedRepo": 403, "EntryNotFound": 404, "RevisionNotFound": 404}[code]
        self._answer(status, b"{}", **{"X-Error-Code": code, "X-Error-Message": "refused", "X-Request-Id": "Root=1"})

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@contextmanager
def serving() -> Iterator[int]:
    """Serve in threads, and yield the port."""
    STOP.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        STOP.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def closed() -> Iterator[int]:
    """Yield a port at which nobody listens, and which nobody else gets meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
