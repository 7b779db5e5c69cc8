"""The endpoint: where it listens, what it does about a taken port, and the file that tells Prometheus."""

import json
import os
import socket
import subprocess
import sys
import urllib.request

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource

from otel_mldebug.errors import ConfigError
from otel_mldebug.export.prometheus.address import Address, parse, wanted
from otel_mldebug.export.prometheus.endpoint import Endpoint
from otel_mldebug.export.prometheus.targets import TargetFile, sweep
from otel_mldebug.store.layout import process_name
from otel_mldebug.wiring.readers import add_reader


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9464", Address("127.0.0.1", 9464)),
        (":9464", Address("127.0.0.1", 9464)),
        ("localhost:0", Address("127.0.0.1", 0)),
        ("0.0.0.0:80", Address("0.0.0.0", 80)),
        ("[::1]:9464", Address("::1", 9464)),
        ("gpu7:65535", Address("gpu7", 65535)),
    ],
)
def test_an_address(text, expected):
    assert parse(text, "prometheus") == expected


@pytest.mark.parametrize("text", ["", "x", "host:", "host:port", "65536", "-1", "::1:9464", "9464:", "1.5", "h:9 "])
def test_what_is_no_address_is_named_with_the_way_out(text):
    with pytest.raises(ConfigError) as caught:
        parse(text, "prometheus")
    assert str(caught.value).startswith(f"prometheus={text!r} is not usable: expected PORT or HOST:PORT, such as 9464")


@pytest.mark.parametrize(
    ("setting", "environ", "expected"),
    [
        pytest.param("", {}, None, id="off"),
        pytest.param("", {"OTEL_METRICS_EXPORTER": "otlp"}, None, id="another exporter"),
        pytest.param("", {"OTEL_EXPORTER_PROMETHEUS_PORT": "1"}, None, id="a port alone"),
        pytest.param("", {"OTEL_METRICS_EXPORTER": "otlp, prometheus"}, ("127.0.0.1", 9464), id="OpenTelemetry's"),
        pytest.param(
            "",
            {
                "OTEL_METRICS_EXPORTER": "prometheus",
                "OTEL_EXPORTER_PROMETHEUS_HOST": "0.0.0.0",
                "OTEL_EXPORTER_PROMETHEUS_PORT": "9999",
            },
            ("0.0.0.0", 9999),
            id="OpenTelemetry's host and port",
        ),
        pytest.param("1", {"OTEL_METRICS_EXPORTER": "prometheus"}, ("127.0.0.1", 1), id="ours wins"),
    ],
)
def test_where_the_page_is_wanted(setting, environ, expected):
    assert wanted(setting, environ) == expected


@pytest.mark.parametrize(
    ("address", "target"),
    [(Address("127.0.0.1", 1), "127.0.0.1:1"), (Address("::1", 1), "[::1]:1"), (Address("gpu7", 1), "gpu7:1")],
)
def test_how_prometheus_reaches_it(address, target):
    assert address.target == target


def test_one_that_listens_everywhere_is_reached_by_the_hosts_name():
    assert not Address("0.0.0.0", 1).target.startswith("0.0.0.0")


@pytest.fixture
def endpoint(tmp_path):
    made = []

    def make(address, **changes):
        provider = MeterProvider(resource=Resource({"service.name": "s"}), shutdown_on_exit=False)

        def add(reader):
            assert add_reader(provider, reader)
            provider.get_meter("m").create_counter("c").add(4)
            return True

        values = {"labels": {}, "targets": tmp_path / "targets", "target_labels": {"job": "j", "instance": "i"}}
        made.append(Endpoint(address, add, **{**values, **changes}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_page_is_served_and_the_target_file_says_where(endpoint, tmp_path):
    served = endpoint(Address("127.0.0.1", 0))
    with urllib.request.urlopen(served.address.url, timeout=5) as answer:
        assert b'c_total{service_name="s"} 4.0' in answer.read()
    file = tmp_path / "targets" / f"{process_name()}.json"
    assert json.loads(file.read_text()) == [
        {"targets": [served.address.target], "labels": {"job": "j", "instance": "i"}}
    ]
    served.close()
    assert not file.exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", served.address.port), timeout=1)


def test_a_taken_port_moves_to_the_next_free_one(endpoint, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        served = endpoint(Address("127.0.0.1", port))
        assert port < served.address.port <= port + 99
        file = tmp_path / "targets" / f"{process_name()}.json"
        assert json.loads(file.read_text())[0]["targets"] == [f"127.0.0.1:{served.address.port}"]


def test_an_address_of_another_machine_is_one_line_and_nothing_else(endpoint, caplog, tmp_path):
    served = endpoint(Address("192.0.2.1", 9464))  # TEST-NET-1, never ours
    assert served.address is None
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["Prometheus metrics are off"]
    assert not (tmp_path / "targets").exists()


def test_an_sdk_that_takes_no_readers_is_one_line(caplog):
    served = Endpoint(Address("127.0.0.1", 0), lambda _: False, labels={}, targets=None, target_labels={})
    assert served.address is None
    assert len(caplog.records) == 1


def test_a_directory_that_cannot_be_written_leaves_the_page(endpoint, caplog, tmp_path):
    (tmp_path / "file").write_text("")
    served = endpoint(Address("127.0.0.1", 0), targets=tmp_path / "file" / "targets")
    assert served.address is not None
    assert "cannot find" in caplog.text


def test_files_of_processes_that_were_killed_are_removed_and_others_stay(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    ours, theirs = process_name(pid=os.getpid()), "otherhost-p1"
    for name in (process_name(pid=dead.pid), ours, theirs, "notes"):
        (tmp_path / f"{name}.json").write_text("[]")
    sweep(tmp_path)
    left = {path.stem for path in tmp_path.iterdir()}
    assert left == {ours, theirs, "notes"}


def test_a_number_that_belongs_to_a_younger_process_counts_as_ended(tmp_path):
    path = tmp_path / f"{process_name(pid=os.getpid())}.json"
    path.write_text("[]")
    os.utime(path, (1, 1))
    sweep(tmp_path)
    assert not path.exists()


def test_a_forked_child_does_not_remove_its_parents_file(tmp_path):
    file = TargetFile(tmp_path, Address("127.0.0.1", 1), {})
    file._pid += 1
    file.remove()
    assert file.path.exists()
