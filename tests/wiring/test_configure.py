"""`configure` and `shutdown` in code, and the OpenTelemetry SDK that may be there already."""

import json

import pytest

FAIL = """
def fail(message="boom"):
    from otel_mldebug import capture_exception
    try:
        raise ValueError(message)
    except ValueError as exc:
        return capture_exception(exc)
"""


def test_configure_opens_at_once_and_makes_what_is_missing(programs):
    done = programs.run(
        f"""
        {FAIL.replace(chr(10), chr(10) + " " * 8)}
        import otel_mldebug
        from opentelemetry import _logs, metrics, trace
        otel_mldebug.configure()
        print(*(type(get()).__module__.startswith("opentelemetry.sdk") for get in
                (trace.get_tracer_provider, metrics.get_meter_provider, _logs.get_logger_provider)))
        with trace.get_tracer("theirs").start_as_current_span("work"):
            fail()
        metrics.get_meter("theirs").create_counter("theirs.count").add(1)
        """,
        OTEL_SERVICE_NAME="svc",
        OTEL_RESOURCE_ATTRIBUTES="team=a",
    )
    assert (done.stdout, done.stderr) == ("True True True\n", "")
    assert len(done.findings()) == 1
    assert [span["name"] for span in done.spans()] == ["work"]
    assert {"theirs.count", "mldebug.findings"} <= done.metric_names()
    assert done.process_json()[0]["resource"]["service.name"] == "svc"


def test_an_sdk_that_is_there_is_joined_and_never_replaced(programs):
    done = programs.run(
        f"""
        {FAIL.replace(chr(10), chr(10) + " " * 8)}
        import json
        import otel_mldebug
        from opentelemetry import metrics, trace, _logs
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider(resource=Resource({{"service.name": "theirs"}}))
        tracers.add_span_processor(SimpleSpanProcessor(exporter))
        meters = MeterProvider([reader], resource=Resource({{"service.name": "theirs"}}))
        trace.set_tracer_provider(tracers)
        metrics.set_meter_provider(meters)
        otel_mldebug.configure(run_id="r1")
        assert trace.get_tracer_provider() is tracers and metrics.get_meter_provider() is meters
        assert type(_logs.get_logger_provider()).__module__.startswith("opentelemetry.sdk")

        @otel_mldebug.trace
        def work():
            fail()

        work()
        with trace.get_tracer("theirs").start_as_current_span("foreign"):
            pass
        points = {{
            metric.name: dict(metric.data.data_points[0].attributes)
            for resource in reader.get_metrics_data().resource_metrics
            for scope in resource.scope_metrics for metric in scope.metrics
        }}
        spans = {{span.name: dict(span.attributes) for span in exporter.get_finished_spans()}}
        otel_mldebug.shutdown()
        with trace.get_tracer("theirs").start_as_current_span("after"):
            pass
        print(json.dumps([points["mldebug.findings"], spans, len(exporter.get_finished_spans())]))
        """
    )
    assert done.stderr == ""
    points, spans, total = json.loads(done.stdout)
    ours = next(attributes for name, attributes in spans.items() if name.endswith("work"))
    assert points["mldebug.run.id"] == ours["mldebug.run.id"] == "r1"
    assert ours["mldebug.finding.rule"] == points["mldebug.finding.rule"]
    assert spans["foreign"] == {}
    assert total == 3
    assert [span["name"] for span in done.spans() if span["name"] == "foreign"] == ["foreign"]


def test_a_provider_that_the_program_sets_later_is_joined_from_its_first_span(programs):
    done = programs.run(
        """
        import otel_mldebug.wiring as wiring; wiring.start()
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from opentelemetry.trace import set_tracer_provider

        exporter, provider = InMemorySpanExporter(), TracerProvider()
        set_tracer_provider(provider)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        secret = "hf_" + "abcdefgh" * 4
        with provider.get_tracer("theirs").start_as_current_span("w", attributes={"line": secret}):
            pass
        print(exporter.get_finished_spans()[0].attributes["line"])
        """
    )
    assert (done.stdout, done.stderr) == ("[redacted:huggingface-token]\n", "")
    assert not done.store.exists()


@pytest.mark.parametrize(
    ("second", "pipelines"),
    [("", 1), ("budget=0.5", 2), ("run_id='other'", 2)],
    ids=["the same settings", "others", "another run"],
)
def test_a_second_configure_changes_only_what_it_must(programs, second, pipelines):
    done = programs.run(
        f"""
        {FAIL.replace(chr(10), chr(10) + " " * 8)}
        import otel_mldebug
        from opentelemetry import trace, metrics
        from otel_mldebug.instrument import sink
        otel_mldebug.configure()
        first = sink.current().generation(), sink.current()
        fail("one")
        otel_mldebug.configure({second})
        print(1 if sink.current() is first[1] else 2)
        fail("two")
        with trace.get_tracer("theirs").start_as_current_span("work"):
            pass
        """
    )
    assert (done.stdout, done.stderr) == (f"{pipelines}\n", "")
    assert [finding["exception.message"] for finding in done.findings()] == ["one", "two"]
    assert [span["name"] for span in done.spans()] == ["work"]
    assert len(done.processes) == pipelines, "a directory has one writer"


def test_observable_metrics_follow_a_second_configure_and_fall_silent_at_the_end(programs):
    done = programs.run(
        """
        import otel_mldebug
        from opentelemetry.metrics import Observation
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from otel_mldebug.instrument import sink

        reader = InMemoryMetricReader()
        metrics.set_meter_provider(MeterProvider([reader]))

        def values():
            data = reader.get_metrics_data()
            return [
                point.value for resource in (data.resource_metrics if data else []) for scope in resource.scope_metrics
                for metric in scope.metrics if metric.name == "g" for point in metric.data.data_points
            ]

        for value, settings in ((1, {}), (2, {"budget": 0.5})):
            otel_mldebug.configure(**settings)
            meter = sink.current().meter("otel_mldebug.test")
            meter.create_observable_gauge("g", [lambda _, value=value: [Observation(value)]])
            print(values())
        otel_mldebug.shutdown()
        print(values())
        """
    )
    assert (done.stdout, done.stderr) == ("[1]\n[2]\n[]\n", "")


def test_shutdown_twice_and_without_configure_is_no_error(programs):
    done = programs.run(
        """
        import otel_mldebug
        otel_mldebug.shutdown()
        otel_mldebug.configure()
        otel_mldebug.shutdown()
        otel_mldebug.shutdown()
        print(otel_mldebug.capture_exception(ValueError("x")))
        """
    )
    assert (done.stdout, done.stderr, done.code) == ("None\n", "", 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("budget='lots'", "budget='lots' is not usable: expected a number, such as 0.02 or 2%."),
        ("nonsense=1", "nonsense=1 is not usable: expected the name of a setting that exists"),
        ("prometheus='here'", "prometheus='here' is not usable: expected PORT or HOST:PORT"),
    ],
)
def test_configure_raises_what_is_wrong_with_a_setting(programs, settings, message):
    done = programs.run(
        f"""
        import otel_mldebug
        try:
            otel_mldebug.configure({settings})
        except otel_mldebug.ConfigError as exc:
            print(exc)
        """
    )
    assert message in done.stdout
    assert done.stderr == ""
    assert not done.store.exists()


def test_summary_tells_what_was_recorded_so_far(programs):
    done = programs.run(
        f"""
        {FAIL.replace(chr(10), chr(10) + " " * 8)}
        import otel_mldebug
        print(otel_mldebug.summary())
        otel_mldebug.configure(run_id="r1")
        occurrence = fail()
        summary = otel_mldebug.summary()
        print(str(summary).splitlines()[0])
        print(summary.findings[0]["fingerprint"] == occurrence.finding.fingerprint, sorted(summary.to_json()))
        """
    )
    assert done.stdout.splitlines() == [
        "Nothing has been recorded in .mldebug yet.",
        "Run r1: 1 finding, no training steps",
        "True ['findings', 'run_id', 'steps_seen']",
    ]


def test_what_is_caught_carries_its_finding_and_can_be_asked(programs):
    done = programs.run(
        """
        import otel_mldebug
        otel_mldebug.configure()

        @otel_mldebug.trace
        def work():
            raise TimeoutError("timed out")

        try:
            work()
        except TimeoutError as exc:
            finding = otel_mldebug.finding_of(exc)
            print(isinstance(finding, otel_mldebug.Finding), finding.category, finding.retryable)
        print(otel_mldebug.finding_of(ValueError()))
        """
    )
    assert done.stdout == "True timeout True\nNone\n"
    assert done.findings()[0]["code.function.name"].endswith("work")
