"""Whether a collector can be reached, and a port be had: asked of real sockets."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from otel_mldebug.cli.checks import endpoints
from otel_mldebug.cli.checks.check import FAIL, OK, WARN, Check


@pytest.fixture
def answering():
    """Return a function that starts a server answering POST with a status, and returns its port and what it got."""
    servers = []

    def serve(status):
        got = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                got.append((self.path, self.headers["Content-Type"], self.headers.get("x-key")))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                """Be quiet."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_port, got

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_collector_gets_an_empty_request_with_the_headers_that_are_set(answering):
    port, got = answering(200)
    environ = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b,broken"}
    checks = list(endpoints.check(environ, otlp=f"http://127.0.0.1:{port}/base/", prometheus=""))
    assert checks == [Check("otlp", OK, f"127.0.0.1:{port} (http/protobuf) accepts OTLP")]
    assert got == [("/base/v1/traces", "application/x-protobuf", "a b")]


@pytest.mark.parametrize(
    ("status", "detail", "advice"),
    [
        (401, "refuses: HTTP 401", "Set OTEL_EXPORTER_OTLP_HEADERS to what it expects."),
        (404, "answers HTTP 404 to POST /v1/traces", "Is this a collector, and its base URL?"),
    ],
)
def test_a_server_that_refuses_is_told_apart(answering, status, detail, advice):
    port, _ = answering(status)
    check = endpoints.collector(f"http://127.0.0.1:{port}", "http/protobuf", {})
    assert check == Check("otlp", FAIL, f"127.0.0.1:{port} (http/protobuf) {detail}", advice)


def test_a_closed_port_and_one_that_speaks_something_else_are_told_apart():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def hang_up():
            for _ in range(3):
                server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        assert endpoints.collector(f"http://127.0.0.1:{port}", "grpc", {}).status == OK
        other = endpoints.collector(f"http://127.0.0.1:{port}", "http/protobuf", {})
    closed = endpoints.collector(f"http://127.0.0.1:{port}", "grpc", {})
    assert (other.status, closed.status) == (FAIL, FAIL)
    assert "accepts connections but not OTLP over HTTP" in other.detail
    assert closed.detail == f"127.0.0.1:{port} (grpc) cannot be reached: Connection refused"


@pytest.mark.parametrize(
    ("url", "environ", "protocol"),
    [
        ("http://c:4317", {}, "grpc"),
        ("http://c:4318", {}, "http/protobuf"),
        ("http://c", {}, "grpc"),
        ("http://c:4317", {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "http/json"),
        ("http://c:4318", {"OTEL_EXPORTER_OTLP_PROTOCOL": " "}, "http/protobuf"),
    ],
)
def test_the_protocol_is_the_one_that_will_be_spoken(url, environ, protocol):
    assert endpoints.protocol_for(url, environ) == protocol


def test_every_endpoint_of_the_environment_is_checked_once():
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4317",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b:4317",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://a:4317",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": " ",
    }
    assert endpoints.endpoints(environ) == {"http://a:4317", "http://b:4317"}
    assert [check.detail for check in endpoints.check({}, otlp=None, prometheus="")] == [
        "no endpoint set: everything stays in the local store"
    ]


@pytest.mark.parametrize("url", ["", "http://", "://x"])
def test_what_is_no_url_is_said_to_be_none(url):
    assert endpoints.collector(url, "grpc", {}).detail == f"{url!r} is no URL"


def test_the_port_for_prometheus_is_free_taken_or_none():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        taken = endpoints.scraped(str(port))
    free, wrong = endpoints.scraped(f"localhost:{port}"), endpoints.scraped("many")
    assert (taken.status, taken.detail) == (WARN, f"127.0.0.1:{port}: Address already in use")
    assert free == Check("prometheus", OK, f"127.0.0.1:{port} is free")
    assert (wrong.status, "prometheus='many'" in wrong.detail) == (FAIL, True)
