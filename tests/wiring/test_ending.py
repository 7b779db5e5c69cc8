"""However a process ends, what it found is in the store, and the end is not held up."""

import os
import signal
import socket
import time

import pytest

from tests.export.collector import until

START = "import otel_mldebug.wiring as wiring; wiring.start()\n"
FAIL = """
from otel_mldebug import capture_exception
capture_exception(ValueError("boom"))
"""


@pytest.fixture
def nowhere():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_without_a_collector_there_is_one_line_and_the_process_ends_soon(programs, nowhere, protocol):
    done = programs.run(
        START + FAIL + "import time; print(time.time(), flush=True)",
        OTEL_EXPORTER_OTLP_ENDPOINT=nowhere,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
    )
    assert time.time() - float(done.stdout) < 6.0  # of the 10 s that an exporter takes by default
    assert [line.partition(" (")[0] for line in done.stderr.splitlines()] == [
        f"no OpenTelemetry collector at {nowhere}"
    ]
    assert len(done.findings()) == 1
    assert done.process_json()[0]["watched"]["not_sent"]["logs"] == 1


def test_a_collector_that_never_answers_does_not_hold_the_end_up(programs):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
        done = programs.run(
            START + FAIL + "import time; time.sleep(1.5); print(time.time(), flush=True)",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}",
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        )
    assert time.time() - float(done.stdout) < 6.0  # of the 10 s that an exporter takes by default
    assert "Traceback" not in done.stderr
    assert len(done.findings()) == 1


@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, id="SIGKILL"),
        pytest.param("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, id="SIGTERM, which stays as it was"),
        pytest.param("os._exit(7)", 7, id="os._exit"),
        pytest.param("os.abort()", -signal.SIGABRT, id="abort"),
    ],
)
def test_a_finding_outlives_the_hardest_end(programs, end, code):
    done = programs.run(START + FAIL + f"import os, signal; {end}")
    assert done.code == code
    assert [finding["exception.message"] for finding in done.findings()] == ["boom"]


def test_spans_and_steps_are_on_disk_a_second_later(programs):
    running = programs.start(
        """
        import time, otel_mldebug
        from otel_mldebug.instrument import sink
        from otel_mldebug.rules.steps import StepRecord
        otel_mldebug.configure()
        with sink.current().tracer("otel_mldebug.test").start_as_current_span("work"):
            pass
        sink.current().step(StepRecord(index=0, time_ns=1, duration_s=0.1))
        time.sleep(60)
        """
    )
    try:
        until(lambda: any(p.joinpath("steps.jsonl").exists() for p in programs.left().processes), 30)
        until(lambda: [span["name"] for span in programs.left().spans()] == ["work"], 10)
    finally:
        running.kill()
        running.communicate()


def test_no_signal_handler_of_ours_is_in_place(programs):
    done = programs.run(
        "import signal\nbefore = [signal.getsignal(s) for s in signal.valid_signals()]\n"
        + START
        + FAIL
        + "print(before == [signal.getsignal(s) for s in signal.valid_signals()])"
    )
    assert done.stdout == "True\n"


def test_daemon_threads_that_still_work_do_not_disturb_the_end(programs):
    done = programs.run(
        """
        import threading, time, otel_mldebug
        otel_mldebug.configure()

        @otel_mldebug.trace
        def work():
            global calls
            calls += 1
            raise ValueError("in a daemon")

        def forever():
            while True:
                try:
                    work()
                except ValueError:
                    pass

        calls = 0
        for _ in range(4):
            threading.Thread(target=forever, daemon=True).start()
        deadline = time.monotonic() + 30
        while calls < 100 and time.monotonic() < deadline:
            time.sleep(0.01)
        """
    )
    assert (done.stdout, done.stderr, done.code) == ("", "", 0)
    counted = [int(finding["mldebug.finding.count"]) for finding in done.findings()]
    assert {1, 2, 3, 4, 5} <= set(counted), "written by four threads, in any order"
    assert max(counted) > 5, "one says how many there were"


def test_all_that_was_held_back_is_counted_in_the_store(programs):
    done = programs.run(
        START
        + """
from otel_mldebug import capture_exception
for _ in range(200):
    capture_exception(ValueError("boom"))
"""
    )
    findings = done.findings()
    assert [int(finding["mldebug.finding.count"]) for finding in findings] == [1, 2, 3, 4, 5, 200]
    assert int(findings[-1]["mldebug.finding.suppressed"]) == 194


@pytest.mark.skipif(os.cpu_count() == 1, reason="two processes at once")
def test_two_processes_take_two_ports_and_two_target_files(programs, nowhere):
    port = nowhere.rpartition(":")[2]
    code = f"""
        import time, otel_mldebug
        otel_mldebug.configure(prometheus="{port}")
        from otel_mldebug import capture_exception
        capture_exception(ValueError("x"))
        print("ready", flush=True)
        time.sleep(60)
        """
    running = [programs.start(code), programs.start(code)]
    try:
        targets = programs.store / "targets"
        until(lambda: len(list(targets.glob("*.json"))) == 2, 30)
        found = {path.read_text() for path in targets.glob("*.json")}
        assert len(found) == 2
    finally:
        for process in running:
            process.kill()
            process.communicate()
    done = programs.run(f"import otel_mldebug; otel_mldebug.configure(prometheus='{port}')")
    assert (done.stderr, list(targets.glob("*.json"))) == ("", []), (
        "files of killed processes are swept, its own is removed"
    )


def test_a_thread_that_fails_after_the_main_thread_has_ended_is_still_reported(programs):
    failing = "import threading\nthreading.Thread(target=lambda: 1 / 0, name='late').start()\n"
    done = programs.run(START + failing)
    assert [finding["exception.type"] for finding in done.findings()] == ["ZeroDivisionError"]
    assert "could not" not in done.stderr
    assert done.stderr.count("Traceback") == 1
