"""The registry is the only place where a name or a unit is typed, and what is borrowed equals upstream."""

import importlib
import pkgutil

import pytest
from opentelemetry.metrics import Meter
from opentelemetry.semconv import _incubating, attributes
from opentelemetry.semconv._incubating import attributes as incubating_attributes
from opentelemetry.semconv._incubating import metrics as incubating_metrics

from otel_mldebug.semconv import generate, names

REGISTRY = generate.load()
UPSTREAM_METRICS = [row for row in REGISTRY["metrics"] if row["file"] == "upstream"]
UPSTREAM_KEYS = [row["key"] for row in REGISTRY["attributes"] if row["file"] == "upstream"]


def test_names_py_is_what_the_registry_says():
    assert generate.NAMES.read_text(encoding="utf-8") == generate.render_names(REGISTRY), "run: make generate"


def test_the_reference_page_is_what_the_registry_says():
    assert generate.DOCS.read_text(encoding="utf-8") == generate.render_docs(REGISTRY), "run: make generate"


def test_a_name_defined_twice_is_refused(tmp_path):
    row = "  - {key: a.b, type: string, stability: development, brief: B.}\n"
    (tmp_path / "one.yaml").write_text("attributes:\n" + row + row)
    with pytest.raises(ValueError, match=r"defined twice in the registry: \['A_B'\]"):
        generate.load(tmp_path)


def test_a_metric_with_an_attribute_nobody_defined_is_refused(tmp_path):
    (tmp_path / "one.yaml").write_text(
        "metrics:\n  - {name: a.b, instrument: gauge, unit: s, brief: B., attributes: [no.such]}\n"
    )
    with pytest.raises(ValueError, match=r"metric a\.b uses attributes that are not in the registry: \['no\.such'\]"):
        generate.load(tmp_path)


class _Recorder(Meter):
    """Notes what upstream's own factory asks for."""

    def __init__(self) -> None:
        super().__init__("recorder")

    def _note(self, kind, name, *_, unit="", **__):
        self.made = (name, kind, unit)

    def create_counter(self, name, unit="", description=""):
        self._note("counter", name, unit=unit)

    def create_up_down_counter(self, name, unit="", description=""):
        self._note("updowncounter", name, unit=unit)

    def create_histogram(self, name, unit="", description="", **_):
        self._note("histogram", name, unit=unit)

    def create_gauge(self, name, unit="", description=""):
        self._note("gauge", name, unit=unit)

    def create_observable_counter(self, name, callbacks=None, unit="", description=""):
        self._note("counter", name, unit=unit)

    def create_observable_up_down_counter(self, name, callbacks=None, unit="", description=""):
        self._note("updowncounter", name, unit=unit)

    def create_observable_gauge(self, name, callbacks=None, unit="", description=""):
        self._note("gauge", name, unit=unit)


def _factories():
    factories = {}
    for module in pkgutil.iter_modules(incubating_metrics.__path__):
        loaded = importlib.import_module(f"{incubating_metrics.__name__}.{module.name}")
        for name, value in vars(loaded).items():
            if name.startswith("create_"):
                factories[name.removeprefix("create_")] = value
    return factories


FACTORIES = _factories()


@pytest.mark.parametrize("row", UPSTREAM_METRICS, ids=lambda row: row["name"])
def test_a_borrowed_metric_equals_the_installed_one(row):
    factory = FACTORIES.get(row["name"].replace(".", "_"))
    if factory is None:
        pytest.skip(f"the installed conventions do not have {row['name']} yet")
    recorder = _Recorder()
    callbacks = (None,) if "callbacks" in factory.__code__.co_varnames else ()
    factory(recorder, *callbacks)
    assert recorder.made == (row["name"], row["instrument"], row["unit"])


def _known_keys():
    keys = set()
    for package in (attributes, incubating_attributes):
        for module in pkgutil.iter_modules(package.__path__):
            loaded = importlib.import_module(f"{package.__name__}.{module.name}")
            keys |= {value for value in vars(loaded).values() if isinstance(value, str)}
    return keys


@pytest.mark.parametrize("key", UPSTREAM_KEYS)
def test_a_borrowed_attribute_exists_upstream(key):
    assert key in _known_keys(), f"{_incubating.__name__} has no attribute {key}"


def test_severities_rise():
    assert [str(severity) for severity in names.Severity] == ["debug", "info", "warning", "error", "critical"]


@pytest.mark.parametrize("metric", names.METRICS, ids=lambda metric: metric.name)
def test_only_histograms_have_buckets_and_they_rise(metric):
    assert bool(metric.buckets) == (metric.instrument == "histogram")
    assert list(metric.buckets) == sorted(set(metric.buckets))
