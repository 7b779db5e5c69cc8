"""An agent and a gateway as they are configured for a cluster, with what is hard about them: sampling, queues, TLS.

The stores behind the gateway are played by the collector with local.yaml (traces, logs) and by Prometheus (metrics).
"""

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest

from otel_mldebug.semconv import names
from otel_mldebug.semconv.prometheus import label_name
from stack import build, services
from tests.stack.asking import attributes, eventually

pytestmark = pytest.mark.stack

SERVICE = "through-agent-and-gateway"
RESOURCE = {
    names.SERVICE_NAME: SERVICE,
    names.SERVICE_INSTANCE_ID: "instance-1",
    names.MLDEBUG_RUN_ID: "run-1",
    names.MLDEBUG_RANK: 3,
    names.PROCESS_PID: 4711,
}
START = 1_000_000_000


def otlp(values):
    """Return attributes in OTLP's JSON."""
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue"}
    return [{"key": key, "value": {kinds[type(value)]: value}} for key, value in values.items()]


def span(trace, number, *, ok=True, **attributes):
    now = time.time_ns()
    return {
        "traceId": f"{trace:032x}",
        "spanId": f"{trace * 100 + number:016x}",
        "name": f"span {number}",
        "kind": 1,
        "startTimeUnixNano": str(now - 5_000_000),
        "endTimeUnixNano": str(now),
        "status": {} if ok else {"code": 2},
        "attributes": otlp(attributes),
    }


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    """A token, and a certificate for 127.0.0.1 that signs itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is needed to make a certificate for the gateway, and is not installed")
    directory = tmp_path_factory.mktemp("secrets")
    (directory / "token").write_text("a-token-for-the-test")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=gateway",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "tls.key", "-out", "tls.crt"],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    return directory


class Cluster:
    """One agent and one gateway."""

    def __init__(self, directory, secrets, traces_and_logs, remote_write):
        self.agent_ports, self.gateway_ports = services.Ports.free(), services.Ports.free()
        self.gateway = self._service(
            "gateway", directory, self.gateway_ports,
            GATEWAY_OTLP_GRPC=f"127.0.0.1:{self.gateway_ports.otlp_grpc}",
            GATEWAY_TOKEN_FILE=str(secrets / "token"),
            GATEWAY_CERT_FILE=str(secrets / "tls.crt"),
            GATEWAY_KEY_FILE=str(secrets / "tls.key"),
            GATEWAY_REMOTE_WRITE=remote_write,
            GATEWAY_TRACES=traces_and_logs,
            GATEWAY_LOGS=traces_and_logs,
            GATEWAY_KEEP_PERCENT="0",
            GATEWAY_DECISION_WAIT="2s",
        )  # fmt: skip
        self.agent = self._service(
            "agent", directory, self.agent_ports,
            AGENT_OTLP_GRPC=f"127.0.0.1:{self.agent_ports.otlp_grpc}",
            AGENT_OTLP_HTTP=f"127.0.0.1:{self.agent_ports.otlp_http}",
            AGENT_TOKEN_FILE=str(secrets / "token"),
            AGENT_CA_FILE=str(secrets / "tls.crt"),
            AGENT_GATEWAYS="127.0.0.1",
            AGENT_GATEWAY_PORT=str(self.gateway_ports.otlp_grpc),
        )  # fmt: skip

    @staticmethod
    def _service(name, directory, ports, **environ):
        who = name.upper()
        return services.Service(
            name=name,
            command=[str(build.binary("otelcol-mldebug")), "--config", str(services.CONFIGS / f"{name}.yaml")],
            directory=directory / name,
            ready=f"http://127.0.0.1:{ports.collector_health}/",
            environ={
                f"{who}_HEALTH": f"127.0.0.1:{ports.collector_health}",
                f"{who}_SELF_PORT": str(ports.collector_self),
                f"{who}_STORAGE": str(directory / name / "storage"),
                **environ,
            },
        )

    def send(self, signal_name, document):
        """Send OTLP in JSON to the agent."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.agent_ports.otlp_http}/v1/{signal_name}",
            data=json.dumps(document).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            assert response.status == 200

    def send_spans(self, *spans):
        resource = {"attributes": otlp(RESOURCE)}
        self.send("traces", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]})


@pytest.fixture(scope="module")
def cluster(built, collector, prometheus, secrets, tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"), secrets, collector.http, f"{prometheus.url}/api/v1/write")
    try:
        made.gateway.start()
        made.agent.start()
        yield made
    finally:
        made.agent.stop()
        made.gateway.stop()


def arrived(collector):
    """Return the spans of our service that came out behind the gateway, by trace."""
    traces = {}
    for resource, one in collector.spans():
        if resource.get(names.SERVICE_NAME) == SERVICE:
            traces.setdefault(int(one["traceId"], 16), []).append(one)
    return traces


@pytest.fixture(scope="module")
def sent(cluster):
    """Send one boring trace, one with a failed span, one with a finding, and one that carries secrets."""
    cluster.send_spans(span(1, 1), span(1, 2))
    cluster.send_spans(span(2, 1), span(2, 2, ok=False), span(2, 3))
    cluster.send_spans(span(3, 1, **{names.MLDEBUG_FINDING_RULE: "loss.nonfinite"}))
    secrets = {"http.request.header.authorization": "Basic Zm9v", "note": "use Bearer abcdefgh12345678 for it"}
    cluster.send_spans(span(4, 1, ok=False, **secrets))


def test_traces_with_trouble_arrive_whole_and_boring_ones_are_left_to_the_sample(sent, cluster, collector):
    traces = eventually(lambda: len(found := arrived(collector)) == 3 and found, what="three traces")
    assert {trace: len(spans) for trace, spans in traces.items()} == {2: 3, 3: 1, 4: 1}


def test_secrets_stay_on_the_host(sent, cluster, collector):
    (one,) = eventually(lambda: arrived(collector).get(4), what="the trace with the secrets")
    found = attributes(one)
    assert found["http.request.header.authorization"] == "****"
    assert found["note"] == "use **** for it"
    assert "Zm9v" not in json.dumps(one)


def test_spans_are_counted_before_the_sampling(sent, cluster, prometheus):
    expr = f'sum (traces_span_metrics_calls_total{{service_name="{SERVICE}"}})'
    eventually(
        lambda: [float(one["value"][1]) for one in prometheus.query(expr)] == [7.0], within_s=60, what="7 spans counted"
    )


def test_delta_points_become_series_with_our_labels_only(cluster, prometheus):
    def point(value):
        now = time.time_ns()
        return {
            "name": "delta.probe", "unit": "{step}",
            "sum": {
                "aggregationTemporality": 1, "isMonotonic": True,
                "dataPoints": [{"asInt": value, "startTimeUnixNano": str(now - START), "timeUnixNano": str(now)}],
            },
        }  # fmt: skip

    for value in (3, 4):
        resource = {"attributes": otlp(RESOURCE)}
        metrics = {"resource": resource, "scopeMetrics": [{"metrics": [point(value)]}]}
        cluster.send("metrics", {"resourceMetrics": [metrics]})
        time.sleep(0.01)  # two points of one series need two times
    (one,) = eventually(
        lambda: [one for one in prometheus.query("delta_probe_total") if one["value"][1] == "7"], what="3 + 4"
    )
    assert one["metric"] == {
        "__name__": "delta_probe_total",
        "job": SERVICE,
        "instance": "instance-1",
        label_name(names.SERVICE_NAME): SERVICE,
        label_name(names.MLDEBUG_RUN_ID): "run-1",
        label_name(names.MLDEBUG_RANK): "3",
    }


def test_what_the_agent_had_taken_survives_a_kill_while_the_gateway_is_away(sent, cluster, collector):
    cluster.gateway.stop()
    cluster.send_spans(span(5, 1, ok=False))
    assert cluster.agent.process is not None
    os.kill(cluster.agent.process.pid, signal.SIGKILL)
    cluster.agent.process.wait()

    cluster.agent.start()
    cluster.gateway.start()
    eventually(lambda: arrived(collector).get(5), within_s=60, what="the trace that was in the agent's queue")
