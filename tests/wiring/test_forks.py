"""Forked and spawned children: their parent's telemetry is not theirs, and helpers leave nothing."""

import json
import os
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
FAIL = """
import os, sys
import otel_mldebug
from otel_mldebug import capture_exception

def fail(message):
    try:
        raise ValueError(message)
    except ValueError as exc:
        return capture_exception(exc)
"""


def messages(done):
    return [finding["exception.message"] for finding in done.findings()]


@pytest.mark.filterwarnings("ignore")
def test_a_forked_child_that_records_nothing_leaves_nothing_and_ends_nothing(programs):
    done = programs.run(
        FAIL
        + """
otel_mldebug.configure()
fail("parent")
pid = os.fork()
if pid == 0:
    sys.exit(0)  # runs atexit, as a well-behaved child does
os.waitpid(pid, 0)
fail("parent again")
"""
    )
    assert (done.stderr, len(done.processes)) == ("", 1)
    assert messages(done) == ["parent", "parent again"]


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)"])
def test_a_forked_child_that_fails_has_a_directory_of_its_own_in_the_same_run(programs, end):
    done = programs.run(
        FAIL
        + f"""
otel_mldebug.configure()
fail("parent")
fail("parent")
pid = os.fork()
if pid == 0:
    fail("child")
    {end}
os.waitpid(pid, 0)
"""
    )
    assert done.stderr == ""
    assert len(done.processes) == 2
    assert len({process.parent for process in done.processes}) == 1
    assert sorted(messages(done)) == ["child", "parent", "parent"]
    pids = {entry["pid"] for entry in done.process_json()}
    assert len(pids) == 2


def test_a_forked_child_does_not_count_what_its_parent_counted(programs):
    done = programs.run(
        FAIL
        + """
otel_mldebug.configure()
for _ in range(3):
    fail("parent")
pid = os.fork()
if pid == 0:
    fail("child")
    otel_mldebug.shutdown()
    os._exit(0)
os.waitpid(pid, 0)
otel_mldebug.shutdown()
"""
    )
    counted = {}
    for process in done.processes:
        last = json.loads((process / "metrics.jsonl").read_text().splitlines()[-1])
        for scope in last["resourceMetrics"][-1]["scopeMetrics"]:
            for metric in scope["metrics"]:
                if metric["name"] == "mldebug.findings":
                    counted[process.name] = [int(point["asInt"]) for point in metric["sum"]["dataPoints"]]
    assert sorted(counted.values()) == [[1], [3]]


def test_a_fork_while_another_thread_records_does_not_hang(programs):
    done = programs.run(
        FAIL
        + """
import threading
otel_mldebug.configure()
stop = threading.Event()

def busy():
    while not stop.is_set():
        fail("thread")

threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if fail("child") is not None else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
print("done")
""",
        timeout_s=100,
    )
    assert done.stdout == "done\n"
    assert messages(done).count("child") == 20


LOADER = """
import multiprocessing as mp
import os
import otel_mldebug.wiring as wiring
wiring.start()

def worker(inbox, outbox):
    while (item := inbox.get()) is not None:
        if item == "fail":
            try:
                raise KeyError("in the worker")
            except KeyError as exc:
                outbox.put(repr(exc))
        else:
            outbox.put(item * 2)

def epoch(context):
    inbox, outbox = context.Queue(), context.Queue()
    workers = [context.Process(target=worker, args=(inbox, outbox)) for _ in range(2)]
    for process in workers:
        process.start()
    for item in (1, 2, 3, "fail"):
        inbox.put(item)
    out = [outbox.get() for _ in range(4)]
    for _ in workers:
        inbox.put(None)
    for process in workers:
        process.join()
    return len(out)

if __name__ == "__main__":
    from otel_mldebug import capture_exception
    from otel_mldebug.instrument import sink
    from otel_mldebug.rules.steps import StepRecord
    import sys
    context = mp.get_context(sys.argv[1])
    for index in range(3):
        print(epoch(context))
        sink.current().step(StepRecord(index=index, time_ns=index, duration_s=0.1))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_data_workers_over_three_epochs_leave_one_directory_and_no_further_series(programs, method):
    done = programs.run(LOADER, method, OTEL_MLDEBUG_PROMETHEUS="0")
    assert (done.stdout, done.stderr) == ("4\n4\n4\n", "")
    assert len(done.processes) == 1
    assert list((programs.store / "targets").glob("*")) == []
    assert sorted(path.name for path in done.processes[0].iterdir()) == ["metrics.jsonl", "process.json", "steps.jsonl"]


def test_a_spawned_rank_that_records_steps_has_its_own_directory(programs):
    done = programs.run(
        """
        import multiprocessing as mp
        import os

        def rank(number):
            os.environ["RANK"] = str(number)
            import otel_mldebug.wiring as wiring; wiring.start()
            from otel_mldebug.instrument import sink
            from otel_mldebug.rules.steps import StepRecord
            for index in range(3):
                sink.current().step(StepRecord(index=index, time_ns=index, duration_s=0.1))

        if __name__ == "__main__":
            context = mp.get_context("spawn")
            ranks = [context.Process(target=rank, args=(number,)) for number in range(2)]
            for process in ranks:
                process.start()
            for process in ranks:
                process.join()
        """,
        OTEL_MLDEBUG_RUN_ID="shared",
    )
    assert done.stderr == ""
    assert [process.parent.name for process in done.processes] == ["shared", "shared"]
    assert ["-r0-" in done.processes[0].name, "-r1-" in done.processes[1].name] == [True, True]
    assert [entry["resource"]["mldebug.rank"] for entry in done.process_json()] == [0, 1]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_forked_child_does_not_hold_its_parents_port(programs):
    done = programs.run(
        FAIL
        + """
import socket
otel_mldebug.configure(prometheus="0")
from otel_mldebug.wiring import runtime
address = runtime().pipeline.endpoint.address
pid = os.fork()
if pid == 0:
    listening = []
    for number in os.listdir("/proc/self/fd"):
        try:
            with socket.socket(fileno=os.dup(int(number))) as one:
                if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    listening.append(one.getsockname())
        except OSError:
            pass
    print(listening, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
"""
    )
    assert done.stdout == "[]\n"


def test_a_forked_child_does_not_count_the_parents_replacements_again(programs):
    done = programs.run(
        FAIL
        + """
from otel_mldebug.wiring.process import runtime

otel_mldebug.configure()
fail("password=hunter2")
before = runtime().pipeline.redactor.total
pid = os.fork()
if pid == 0:
    fail("nothing secret")
    print(before > 0, runtime().pipeline.redactor.total, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print(runtime().pipeline.redactor.total == before)
"""
    )
    assert done.stdout.splitlines() == ["True 0", "True"]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_what_a_child_of_multiprocessing_recorded_last_is_written(programs, method):
    done = programs.run(
        """
        import multiprocessing as mp
        import sys

        def train():
            import otel_mldebug.wiring as wiring; wiring.start()
            from otel_mldebug.instrument import sink
            from otel_mldebug.rules.steps import StepRecord
            for index in range(3):
                sink.current().step(StepRecord(index=index, time_ns=index, duration_s=0.1))

        if __name__ == "__main__":
            import otel_mldebug.wiring as wiring; wiring.start()
            process = mp.get_context(sys.argv[1]).Process(target=train)
            process.start()
            process.join()
        """,
        method,
    )
    (child,) = done.processes
    assert json.loads((child / "steps.jsonl").read_text())["index"] == [0, 1, 2]
    assert "ended" in json.loads((child / "process.json").read_text())
