"""The configuration files as text: what holds without any binary."""

import re

import pytest
import yaml

from otel_mldebug.semconv import names
from stack import build

CONFIGS = build.ROOT / "collector-config"
MANIFEST = yaml.safe_load((CONFIGS / "builder-config.yaml").read_text())
PIPELINES = [
    pytest.param(name, pipeline, content, id=f"{name} {pipeline}")
    for name in ("local", "agent", "gateway")
    for content in [yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())]
    for pipeline in content["service"]["pipelines"]
]


def _modules():
    for kind in ("receivers", "processors", "connectors", "exporters", "extensions"):
        yield from (module["gomod"].split() for module in MANIFEST[kind])


def test_all_modules_of_the_collector_have_one_version_which_is_the_builders():
    versions = {version for _, version in _modules()}
    assert versions == {build.BUILDER.partition("@")[2]}
    assert MANIFEST["telemetry"]["gomod"].split()[1] in versions


@pytest.mark.parametrize(("name", "pipeline", "content"), PIPELINES)
def test_memory_is_limited_before_anything_else(name, pipeline, content):
    assert content["service"]["pipelines"][pipeline]["processors"][0] == "memory_limiter"


@pytest.mark.parametrize(("name", "pipeline", "content"), PIPELINES)
def test_nothing_batches_in_front_of_a_queue_on_disk(name, pipeline, content):
    assert "batch" not in content["service"]["pipelines"][pipeline]["processors"]


@pytest.mark.parametrize(("name", "pipeline", "content"), [p for p in PIPELINES if p.values[0] != "local"])
def test_redaction_is_the_last_thing_before_data_leaves_the_machine(name, pipeline, content):
    assert content["service"]["pipelines"][pipeline]["processors"][-1] == "redaction"


def test_spans_are_counted_before_they_are_sampled():
    agent, gateway = (yaml.safe_load((CONFIGS / f"{name}.yaml").read_text()) for name in ("agent", "gateway"))
    assert "span_metrics" in agent["service"]["pipelines"]["traces"]["exporters"]
    assert "tail_sampling" not in agent["processors"]
    assert "connectors" not in gateway
    assert "tail_sampling" in gateway["service"]["pipelines"]["traces"]["processors"]


def test_one_trace_goes_to_one_gateway_and_one_process_metrics_too():
    exporters = yaml.safe_load((CONFIGS / "agent.yaml").read_text())["exporters"]
    assert {name: exporter["routing_key"] for name, exporter in exporters.items()} == {
        "load_balancing/traces": "traceID",
        "load_balancing/logs": "traceID",
        "load_balancing/metrics": "resource",
    }


@pytest.mark.parametrize("name", ["local", "gateway"])
def test_the_promoted_labels_are_those_of_the_direct_scrape(name):
    processors = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())["processors"]
    promoted = re.findall(r'set\(datapoint\.attributes\["([^"]+)"\]', str(processors["transform/labels"]))
    assert promoted == [names.SERVICE_NAME, names.MLDEBUG_RUN_ID, names.MLDEBUG_RANK]


@pytest.mark.parametrize("name", ["local", "agent"])
def test_by_default_nothing_listens_beyond_loopback(name):
    listening = re.findall(r"(?:endpoint|host): (?:\$\{env:\w+:-)?([\d.]+)", (CONFIGS / f"{name}.yaml").read_text())
    assert set(listening) == {"127.0.0.1"}


def test_every_variable_of_a_configuration_is_explained_on_top_of_it():
    for name in ("local", "agent", "gateway"):
        text = (CONFIGS / f"{name}.yaml").read_text()
        head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
        assert set(re.findall(r"\$\{env:(\w+)", text)) == set(re.findall(r"\b([A-Z]+(?:_[A-Z]+)+)=", head)), name


class TestCompose:
    """compose.yaml as text: there is no container engine in the tests."""

    COMPOSE = yaml.safe_load((CONFIGS / "compose.yaml").read_text())

    def test_the_collector_is_the_version_that_the_tests_build(self):
        images = {name: service["image"] for name, service in self.COMPOSE["services"].items()}
        assert images["collector"].endswith(build.BUILDER.partition("@v")[2])
        assert all(re.fullmatch(r"[a-z]+/[a-z-]+:v?\d+\.\d+\.\d+", image) for image in images.values()), images

    def test_ports_are_published_on_loopback_only(self):
        published = [port for service in self.COMPOSE["services"].values() for port in service.get("ports", [])]
        assert published
        assert [port for port in published if not port.startswith("127.0.0.1:")] == []

    def test_everything_that_is_mounted_exists(self):
        mounted = [
            volume.split(":")[0] for service in self.COMPOSE["services"].values() for volume in service["volumes"]
        ]
        files = [path for path in mounted if path.startswith(".")]
        assert len(files) == 5
        assert [path for path in files if not (CONFIGS / path).exists()] == []
        assert {path for path in mounted if not path.startswith(".")} == set(self.COMPOSE["volumes"])

    def test_grafana_finds_the_dashboards_where_they_are_mounted(self):
        provider = yaml.safe_load((build.ROOT / "grafana/provisioning/dashboards/mldebug.yaml").read_text())
        path = provider["providers"][0]["options"]["path"]
        assert f"../grafana/dashboards:{path}:ro" in self.COMPOSE["services"]["grafana"]["volumes"]

    def test_the_data_source_takes_its_address_from_the_environment_that_compose_sets(self):
        source = yaml.safe_load((build.ROOT / "grafana/provisioning/datasources/prometheus.yaml").read_text())
        variable = source["datasources"][0]["url"].strip("${}")
        assert variable in self.COMPOSE["services"]["grafana"]["environment"]
