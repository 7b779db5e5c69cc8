"""Where signals go, when a collector is tried, and what is given up: without a network."""

import pytest

from otel_mldebug.export.otlp.lane import Lane
from otel_mldebug.export.otlp.link import Link
from otel_mldebug.export.otlp.settings import Destination, destinations

EVERYTHING = ("traces", "metrics", "logs")
HERE = ("localhost", 4317)


def all_to(protocol, endpoint, address):
    return [Destination(signal, protocol, endpoint, address) for signal in EVERYTHING]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({}, [], id="nothing is set"),
        pytest.param({"OTEL_TRACES_EXPORTER": "console"}, [], id="another exporter"),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"},
            all_to("grpc", "http://c:4317", ("c", 4317)),
            id="gRPC port",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"},
            all_to("http/protobuf", "http://c:4318", ("c", 4318)),
            id="HTTP port",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/otlp"},
            all_to("http/protobuf", "https://c", ("c", 443)),
            id="a path means HTTP",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://u:secret@c:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            all_to("http/protobuf", "http://c:9", ("c", 9)),
            id="credentials are not shown",
        ),
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "otlp"},
            [Destination("traces", "grpc", "http://localhost:4317", HERE)],
            id="asked for by name, default endpoint",
        ),
        pytest.param(
            {"OTEL_LOGS_EXPORTER": "otlp_proto_http"},
            [Destination("logs", "http/protobuf", "http://localhost:4318", ("localhost", 4318))],
            id="asked for by the name of the protocol",
        ),
        pytest.param(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317",
                "OTEL_METRICS_EXPORTER": "none",
                "OTEL_LOGS_EXPORTER": "none",
            },
            [Destination("traces", "grpc", "http://c:4317", ("c", 4317))],
            id="signals can be switched off",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://m:4318/v1/metrics"},
            [Destination("metrics", "http/protobuf", "http://m:4318", ("m", 4318))],
            id="one signal's own endpoint",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "unix:///run/otel.sock"},
            all_to("http/protobuf", "unix:///run/otel.sock", None),
            id="no host to try",
        ),
    ],
)
def test_where_signals_go(environ, expected):
    assert destinations(environ) == expected


@pytest.mark.parametrize(
    ("given", "used"), [("http/json", "http/protobuf"), ("carrier-pigeon", "grpc")], ids=["not spoken", "unknown"]
)
def test_a_protocol_that_cannot_be_used_is_said(given, used, caplog):
    found = destinations({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:1", "OTEL_EXPORTER_OTLP_PROTOCOL": given})
    assert [to.protocol for to in found] == [used]
    assert len(caplog.records) == 1


def test_behind_a_proxy_no_connection_is_tried(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert destinations({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"})[0].address is None


class Net:
    """A network in which the collector is up or not, and the clock that goes with it."""

    def __init__(self, up=True):
        self.up, self.now_s, self.tries = up, 0.0, 0

    def connect(self, address, timeout_s):
        self.tries += 1
        if not self.up:
            raise ConnectionRefusedError(111, "Connection refused")

    def link(self, address=("c", 4317)):
        return Link("http://c:4317", address, clock=lambda: self.now_s, connect=self.connect)


def test_a_collector_that_is_there_is_tried_once():
    net = Net()
    link = net.link()
    assert [link.ready(), link.ready(), net.tries, link.up] == [True, True, 1, True]


def test_one_that_is_not_there_is_said_once_and_tried_less_and_less_often(caplog):
    net = Net(up=False)
    link = net.link()
    tried_at = []
    for now_s in range(200):
        net.now_s, before = now_s, net.tries
        assert not link.ready()
        if net.tries > before:
            tried_at.append(now_s)
    assert tried_at == [0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181]
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "no OpenTelemetry collector at http://c:4317 (Connection refused): "
        "the local store keeps everything, sending is tried again"
    ]


def test_one_that_comes_back_is_used_again():
    net = Net(up=False)
    link = net.link()
    link.ready()
    net.up, net.now_s = True, 1.0
    assert link.ready()
    assert link.up


@pytest.mark.parametrize(("since_s", "tried"), [(0.5, 1), (1.0, 2), (25.0, 2)])
def test_at_the_end_there_is_one_more_try_unless_one_has_just_failed(since_s, tried):
    net = Net(up=False)
    link = net.link()
    link.ready()
    net.now_s = since_s
    link._retry_at_s = 30.0
    link.last_chance()
    link.ready()
    assert net.tries == tried


def test_without_an_address_only_sending_shows_whether_it_is_there():
    net = Net(up=False)
    link = net.link(address=None)
    assert link.ready()
    link.failed("sending failed")
    assert not link.ready()
    assert net.tries == 0


def lane(net, send, **limits):
    return Lane("traces", net.link(), send, **{"max_items": 4, "max_batch": 2, **limits})


def never():
    return False


def test_what_waits_is_sent_in_batches_in_order():
    sent = []
    one = lane(Net(), lambda batch: sent.append(list(batch)) or True)
    for item in range(3):
        one.put(item)
    one.send(never, 1.0)
    assert (sent, len(one), one.dropped) == ([[0, 1], [2]], 0, 0)


def test_above_the_bound_the_oldest_is_given_up_and_counted():
    sent = []
    one = lane(Net(), lambda batch: sent.extend(batch) or True)
    for item in range(7):
        one.put(item)
    one.send(never, 1.0)
    assert (sent, one.dropped) == ([3, 4, 5, 6], 3)


def test_what_a_collector_refuses_is_given_up_and_said_once(caplog):
    one = lane(Net(), lambda batch: False)
    for item in range(4):
        one.put(item)
    one.send(never, 1.0)
    assert (len(one), one.dropped) == (0, 4)
    assert [record.getMessage() for record in caplog.records] == [
        "the collector at http://c:4317 does not take our traces; `otel-mldebug doctor` says more"
    ]


def test_what_could_not_be_sent_because_nobody_is_there_waits_in_its_order():
    net, sent = Net(), []

    def send(batch):
        if not net.up:
            return False
        sent.extend(batch)
        net.up = False  # goes down after the first batch
        return True

    one = lane(net, send)
    for item in range(4):
        one.put(item)
    one.send(never, 1.0)
    assert (sent, len(one), one.dropped) == ([0, 1], 2, 0)
    net.up, net.now_s = True, 10.0
    one.send(never, 1.0)
    assert sent == [0, 1, 2, 3]


def test_an_exporter_that_raises_is_our_fault_and_loses_nothing_while_nobody_is_there(monkeypatch):
    monkeypatch.setattr("otel_mldebug._guard.strict", False)
    net = Net()

    def send(batch):
        net.up = False
        raise RuntimeError("bug")

    one = lane(net, send)
    one.put(1)
    one.send(never, 1.0)
    assert (len(one), one.dropped) == (1, 0)


def test_nothing_is_sent_after_the_deadline_and_what_is_left_is_counted():
    one = lane(Net(), lambda batch: pytest.fail("sent too late"), weigh=lambda item: item)
    for item in (3, 4):
        one.put(item)
    one.send(lambda: True, 1.0)
    one.give_up()
    assert (len(one), one.dropped) == (0, 7)


def test_of_cumulative_metrics_only_the_latest_waits():
    sent = []
    one = lane(Net(), lambda batch: sent.extend(batch) or True)
    for item in range(3):
        one.replace(item)
    one.send(never, 1.0)
    assert (sent, one.dropped) == ([2], 0)
