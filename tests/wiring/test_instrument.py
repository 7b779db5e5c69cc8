"""`opentelemetry-instrument`: with another distribution and configurator, with ours, and with none."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from otel_mldebug.distro import defaults

INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")
WORK = """
import json
from opentelemetry import _logs, metrics, trace
print(json.dumps([
    type(get()).__module__.partition("._")[0]
    for get in (trace.get_tracer_provider, metrics.get_meter_provider, _logs.get_logger_provider)
]))
with trace.get_tracer("theirs").start_as_current_span("work"):
    raise ConnectionRefusedError(111, "Connection refused to hf_abcdefghabcdefghabcdefghabcdefgh")
"""
NO_CONFIGURATOR = {"OTEL_PYTHON_CONFIGURATOR": "none"}
pytestmark = pytest.mark.skipif(not INSTRUMENT.exists(), reason="opentelemetry-instrument is not installed")


def instrument(programs, code=WORK, **environ):
    return programs.run(code, before=(str(INSTRUMENT),), **environ)


@pytest.mark.skipif(find_spec("opentelemetry.distro") is None, reason="opentelemetry-distro is not installed")
def test_beside_another_distribution_its_providers_are_joined(programs):
    done = instrument(
        programs,
        OTEL_PYTHON_DISTRO="distro",
        OTEL_TRACES_EXPORTER="console",
        OTEL_METRICS_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
    )
    assert done.stdout.splitlines()[0] == (
        '["opentelemetry.sdk.trace", "opentelemetry.sdk.metrics", "opentelemetry.sdk"]'
    )
    exported = done.stdout[done.stdout.index("{") :]
    assert '"mldebug.finding.rule"' in exported
    assert "[redacted:huggingface-token]" in exported
    assert "hf_abcdefgh" not in exported
    assert [finding["exception.type"] for finding in done.findings()] == ["ConnectionRefusedError"]
    assert "Traceback" in done.stderr
    assert "otel" not in done.stderr.partition("otel-mldebug: ")[0].lower()


def test_without_a_configurator_we_set_the_sdk_up_when_there_is_something_to_say(programs):
    done = instrument(programs, OTEL_PYTHON_DISTRO="mldebug", **NO_CONFIGURATOR)
    assert "opentelemetry.sdk" not in done.stdout
    assert [finding["exception.type"] for finding in done.findings()] == ["ConnectionRefusedError"]


def test_our_distribution_is_loaded_without_a_word(programs):
    done = instrument(programs, "print('on')", OTEL_PYTHON_DISTRO="mldebug")
    assert (done.stdout, done.stderr, done.code) == ("on\n", "", 0)
    assert not done.store.exists()


@pytest.mark.parametrize(
    ("switched_off", "findings"), [("mldebug", 0), ("mldebug_torch,mldebug_resources", 1), ("*", 0)]
)
def test_parts_can_be_switched_off_by_name(programs, switched_off, findings):
    done = instrument(
        programs,
        "raise ValueError('x')",
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=switched_off,
        OTEL_PYTHON_DISTRO="mldebug",
    )
    assert len(done.findings()) == findings


def test_unusable_settings_leave_the_other_instrumentations_and_the_program_alone(programs):
    done = instrument(programs, "print('on')", OTEL_MLDEBUG_BUDGET="lots", OTEL_PYTHON_DISTRO="mldebug")
    assert (done.stdout, done.code) == ("on\n", 0)
    assert len(done.stderr.splitlines()) == 1


def test_whatever_an_instrumentor_puts_in_place_it_takes_out_again(programs):
    done = programs.run(
        """
        import sys, threading
        from opentelemetry import trace


        def places():
            hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
            return hooks, list(sys.meta_path), trace.set_tracer_provider

        before = places()
        from otel_mldebug.plugins import ErrorsInstrumentor, ResourcesInstrumentor, TorchInstrumentor
        from otel_mldebug.instrument import sink
        from otel_mldebug.wiring import runtime
        plugins = ErrorsInstrumentor(), ResourcesInstrumentor(), TorchInstrumentor()
        for plugin in plugins:
            plugin.instrument(skip_dep_check=True)
        print(places() == before, sink.current().active(), runtime() is not None)
        for plugin in plugins:
            plugin.uninstrument()
        print(places() == before, sink.current().active(), runtime() is not None)
        """
    )
    assert (done.stdout, done.stderr) == ("False True True\nTrue False False\n", "")


def test_an_instrumentor_uses_the_providers_that_it_is_given(programs):
    done = programs.run(
        """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from otel_mldebug.plugins import ErrorsInstrumentor
        from otel_mldebug.instrument import sink
        provider = TracerProvider()
        ErrorsInstrumentor().instrument(tracer_provider=provider)
        print(sink.current().tracer("otel_mldebug.test").resource is provider.resource)
        print(type(trace.get_tracer_provider()).__name__)
        """
    )
    assert done.stdout == "True\nProxyTracerProvider\n"


@pytest.mark.parametrize(
    ("environ", "added"),
    [
        pytest.param({}, {}, id="no endpoint, nothing asked for"),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_METRICS_EXPORTER": "none"},
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_LOGS_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf",
            },
            id="an endpoint asks for OTLP, except where it is switched off",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            {"OTEL_TRACES_EXPORTER": "otlp"},
            id="a protocol that is set stays",
        ),
    ],
)
def test_our_distribution_supplies_defaults_only(environ, added):
    after = dict(environ)
    defaults(after)
    assert after == {**environ, **added}
