"""Which runs a store holds, how they are named, how they ended, and what a store that cannot be read says."""

import json
import os
import platform

import pytest

from otel_mldebug.errors import StoreError
from otel_mldebug.semconv import names
from otel_mldebug.store.layout import FORMAT, RUN_FILE, write_json
from otel_mldebug.store.queries import Store
from tests.store.making import START, START_NS, after, later, occurrence, recorded

DEAD = 2**22 + 1
"""Above the highest process id that Linux and macOS hand out."""


def test_a_store_that_is_not_there_says_how_to_make_one(root):
    with pytest.raises(StoreError) as caught:
        Store(root)

    assert str(caught.value) == (
        f"The store {root} does not exist. Record one with: otel-mldebug run train.py, or name another one: --store DIR"
    )


def test_a_file_is_no_store(root):
    root.write_text("")
    with pytest.raises(StoreError, match="is not a directory"):
        Store(root)


def test_an_empty_store_has_no_runs_and_says_so(root):
    root.mkdir()
    assert Store(root).runs() == []
    with pytest.raises(StoreError) as caught:
        Store(root).findings()

    assert str(caught.value) == f"The store {root} holds no run yet. Record one with: otel-mldebug run train.py"


def test_a_newer_store_says_what_to_do(root):
    root.mkdir()
    write_json(root / "format.json", {"format": FORMAT + 1})
    with pytest.raises(StoreError) as caught:
        Store(root)

    assert str(caught.value) == (
        f"The store {root} has format {FORMAT + 1}; this version of otel-mldebug reads formats up to {FORMAT}. "
        "Upgrade it (pip install -U otel-mldebug), or use another directory: --store DIR."
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"other": 1}'])
def test_a_format_file_that_says_nothing_new_does_not_matter(root, text):
    recorded(root, occurrence(1))
    (root / "format.json").write_text(text)

    assert len(Store(root).findings()) == 1


def test_a_run_can_be_named_by_the_beginning_of_its_id(root):
    recorded(root, occurrence(1), run_id="2026-11-21-143005-1f3a")
    recorded(root, occurrence(2), run_id="2026-11-22-101500-77aa", clock=later(60))
    store = Store(root)

    assert store.run("2026-11-21").run_id == "2026-11-21-143005-1f3a"
    with pytest.raises(StoreError, match="'2026' fits 2 runs: 2026-11-22-101500-77aa, 2026-11-21-143005-1f3a"):
        store.run("2026")
    with pytest.raises(StoreError, match=r"has no run 'x'\. It has: 2026-11-22"):
        store.run("x")
    with pytest.raises(StoreError, match="has no run ''"):
        store.run("")


def test_a_run_id_never_leaves_the_store(root):
    recorded(root, occurrence(1), run_id="../../etc/passwd")

    assert [path.name for path in root.parent.iterdir()] == ["store"]
    assert Store(root).latest().run_id == "../../etc/passwd"
    assert Store(root).findings("../../etc/passwd")[0]["run_id"] == "../../etc/passwd"


@pytest.mark.parametrize(
    ("about", "status"),
    [
        pytest.param({"exit_code": 0, "ended": START}, "finished", id="exit code 0"),
        pytest.param({"exit_code": 3, "ended": START}, "failed", id="exit code 3"),
        pytest.param({"exit_code": 137, "signal": "SIGKILL", "ended": START}, "killed", id="killed"),
        pytest.param({"host": platform.node(), "pid": os.getpid()}, "running", id="the supervisor lives"),
        pytest.param({"host": platform.node(), "pid": DEAD}, "killed", id="the supervisor is gone"),
        pytest.param({"host": "elsewhere", "pid": 1}, "running", id="fresh files of another host"),
    ],
)
def test_how_a_run_ended_is_what_its_supervisor_wrote(root, about, status):
    recorded(root, occurrence(1))
    write_json(root / "run" / RUN_FILE, {"run_id": "run", "started": START, **about})
    run = Store(root).latest()

    assert (run.status, run.exit_code, run.signal) == (status, about.get("exit_code"), about.get("signal", ""))


def test_without_a_supervisor_the_processes_tell(root):
    open_one = recorded(root, occurrence(1), host=platform.node(), close=False)
    assert Store(root).latest().status == "running"
    page = open_one.directory / "process.json"
    written = json.loads(page.read_text())
    write_json(page, {**written, "pid": DEAD})
    assert Store(root).latest().status == "killed"
    write_json(page, {**written, "ended": START})

    run = Store(root).latest()
    assert (run.status, run.started_ns, run.ended_ns) == ("finished", START_NS, START_NS)


def test_an_old_run_of_another_host_has_ended(root):
    out = recorded(root, occurrence(1), host="elsewhere", close=False)
    for path in (*out.directory.iterdir(), out.directory):
        os.utime(path, (1, 1))

    assert Store(root).latest().status == "killed"


def test_a_run_that_recorded_nothing_is_a_run(root):
    recorded(root, occurrence(1))
    (root / "quiet").mkdir()
    write_json(root / "quiet" / RUN_FILE, {"run_id": "quiet", "started": "2099-01-01T00:00:00Z", "exit_code": 0})

    assert Store(root).latest().run_id == "quiet"
    assert Store(root).findings() == []
    assert Store(root).processes() == ()


def test_other_directories_are_no_runs(root):
    recorded(root, occurrence(1))
    for name in ("targets", ".hidden", "notes", "od\u0301d"):
        (root / name).mkdir()
        (root / name / "x.txt").write_text("")

    assert [run.run_id for run in Store(root).runs()] == ["run"]


def test_a_run_says_what_it_is_in_json(root):
    recorded(root, occurrence(1), rank=0)
    write_json(
        root / "run" / RUN_FILE,
        {"run_id": "run", "started": START, "ended": after(5), "exit_code": 1, "argv": ["python", "train.py"]},
    )

    assert Store(root).latest().to_json() == {
        "run_id": "run",
        "status": "failed",
        "started": START,
        "ended": after(5),
        "exit_code": 1,
        "argv": ["python", "train.py"],
        "processes": [
            {
                "process": f"box-r0-p{os.getpid()}",
                "host": "box",
                "rank": 0,
                "pid": os.getpid(),
                "started": START,
                "ended": START,
                "resource": {names.MLDEBUG_RUN_ID: "run", names.HOST_NAME: "box", names.MLDEBUG_RANK: 0},
            }
        ],
    }
