"""Sending to a real server on loopback: it arrives, it waits for one that is late, and the end is never late."""

import logging
import socket
import time

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from otel_mldebug.export.gates import Snapshots
from otel_mldebug.export.otlp import courier
from otel_mldebug.export.otlp.outlet import Outlet
from otel_mldebug.export.otlp.settings import destinations
from tests.export.collector import Collector, until


@pytest.fixture
def collector():
    server = Collector()
    yield server
    server.close()


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Sending:
    """Providers that send through an outlet."""

    def __init__(self, monkeypatch, **environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        self.outlet = Outlet(destinations(environ), environ)
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.logger_provider = LoggerProvider(shutdown_on_exit=False)
        self.reader = Snapshots()
        self.meter_provider = MeterProvider([self.reader], shutdown_on_exit=False)
        for provider, add, processor in (
            (self.tracer_provider, "add_span_processor", self.outlet.span_processor()),
            (self.logger_provider, "add_log_record_processor", self.outlet.log_processor()),
        ):
            if processor is not None:
                getattr(provider, add)(processor)

    def span(self, name="work"):
        self.tracer_provider.get_tracer("t").start_span(name).end()

    def everything(self):
        self.span()
        self.logger_provider.get_logger("t").emit(body="hello", event_name="event")
        self.meter_provider.get_meter("t").create_counter("c").add(3)
        self.outlet.metrics(self.reader.take())


@pytest.fixture
def sending(monkeypatch):
    made = []

    def make(url, **environ):
        made.append(Sending(monkeypatch, OTEL_EXPORTER_OTLP_ENDPOINT=url, **environ))
        return made[-1]

    monkeypatch.setattr("otel_mldebug.export.otlp.outlet.DELAY_S", 0.05)
    yield make
    for one in made:
        one.outlet.close(0.1)


def test_spans_logs_and_metrics_arrive(collector, sending):
    sender = sending(collector.url, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf", OTEL_EXPORTER_OTLP_HEADERS="x-key=abc")
    sender.everything()
    until(lambda: collector.spans() and collector.logs() and collector.metrics())
    assert [span.name for span in collector.spans()] == ["work"]
    assert [(record.event_name, record.body.string_value) for record in collector.logs()] == [("event", "hello")]
    assert [(metric.name, metric.sum.data_points[0].as_int) for metric in collector.metrics()] == [("c", 3)]
    assert {headers["x-key"] for headers in collector.headers} == {"abc"}
    assert sender.outlet.dropped == {}


def test_what_waits_at_the_end_is_sent(collector, sending):
    sender = sending(collector.url, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
    sender.everything()
    sender.outlet.close(5)
    assert len(collector.spans()) == len(collector.logs()) == len(collector.metrics()) == 1


def test_a_collector_that_comes_up_later_gets_what_waited(free_port, sending, caplog):
    sender = sending(f"http://127.0.0.1:{free_port}", OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
    sender.span("early")
    until(lambda: caplog.records)
    late = Collector(free_port)
    until(late.spans)
    late.close()
    assert [span.name for span in late.spans()] == ["early"]
    assert sender.outlet.dropped == {}


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_without_a_collector_there_is_one_line_and_the_end_comes_at_once(protocol, free_port, sending, caplog, capfd):
    caplog.set_level(logging.INFO)
    sender = sending(f"http://127.0.0.1:{free_port}", OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
    sender.everything()
    began_s = time.monotonic()
    sender.outlet.close(30)
    assert time.monotonic() - began_s < 10
    assert [record.getMessage() for record in caplog.records] == [
        f"no OpenTelemetry collector at http://127.0.0.1:{free_port} (Connection refused): "
        "the local store keeps everything, sending is tried again"
    ]
    assert sender.outlet.dropped == {"traces": 1, "metrics": 1, "logs": 1}
    assert capfd.readouterr() == ("", "")


def test_a_collector_that_never_answers_does_not_hold_the_end_up(sending, caplog):
    slow = Collector(delay_s=30)
    sender = sending(slow.url, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
    sender.span()
    until(lambda: slow.spans())
    sender.span("second")
    began_s = time.monotonic()
    sender.outlet.close(0.5)
    assert time.monotonic() - began_s < 10
    assert sender.outlet.dropped == {"traces": 2}, "the first one was never confirmed"
    slow.close()


def test_a_collector_that_refuses_is_said_in_one_line(sending, caplog):
    refusing = Collector(status=400)
    sender = sending(refusing.url, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
    sender.everything()
    until(lambda: sum(sender.outlet.dropped.values()) == 3)
    assert len(caplog.records) == 1
    assert "does not take our" in caplog.text
    refusing.close()


def test_delta_is_sent_where_the_environment_prefers_it(collector, sending):
    sender = sending(
        collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta",
    )
    reader = Snapshots(**sender.outlet.preferred)
    counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("t").create_counter("c")
    for amount in (3, 4):
        counter.add(amount)
        sender.outlet.metrics(reader.take())
    until(lambda: len(collector.metrics()) == 2)
    assert [m.sum.data_points[0].as_int for m in collector.metrics()] == [3, 4]
    assert {m.sum.aggregation_temporality for m in collector.metrics()} == {1}


def test_everybody_elses_exporters_keep_their_voice(collector, sending, caplog):
    sender = sending(collector.url, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
    logging.getLogger(courier._NOISY[0]).warning("theirs")
    assert [record.getMessage() for record in caplog.records] == ["theirs"]
    filters = len(logging.getLogger(courier._NOISY[0]).filters)
    sender.outlet.close(1)
    assert len(logging.getLogger(courier._NOISY[0]).filters) == filters - 1


def test_spans_that_were_sampled_out_are_not_sent(collector, sending):
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    sender = sending(collector.url, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
    unsampled = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    unsampled.add_span_processor(sender.outlet.span_processor())
    unsampled.get_tracer("t").start_span("no").end()
    sender.span("yes")
    sender.outlet.close(5)
    assert [span.name for span in collector.spans()] == ["yes"]
