"""Starting without code: nothing until something is recorded, and the program is none the wiser."""

import subprocess
import sys

import pytest

START = "import otel_mldebug.wiring as wiring; wiring.start()\n"


@pytest.mark.parametrize(
    ("module", "must_not_load"),
    [
        ("otel_mldebug", {"torch", "opentelemetry", "opentelemetry.sdk", "psutil", "wrapt", "logging"}),
        ("otel_mldebug.wiring", {"torch", "opentelemetry", "opentelemetry.sdk", "psutil", "wrapt", "asyncio"}),
        ("otel_mldebug.plugins", {"torch", "opentelemetry.sdk", "psutil"}),
        ("otel_mldebug.distro", {"torch", "opentelemetry.sdk", "psutil"}),
        ("otel_mldebug.config", {"torch", "opentelemetry"}),
    ],
)
def test_an_import_stays_light(module, must_not_load):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not must_not_load & set(loaded)


def test_every_public_name_can_be_had_and_an_unknown_one_says_which_there_are():
    import otel_mldebug

    for name in otel_mldebug.__all__:
        assert getattr(otel_mldebug, name) is not None
        assert name in dir(otel_mldebug)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'; it has Action, Config, "):
        _ = otel_mldebug.nonsense


def test_a_process_that_records_nothing_leaves_nothing_and_loads_nothing(programs):
    done = programs.run(
        START + "import sys, threading; print('opentelemetry.sdk' in sys.modules, threading.active_count())"
    )
    assert (done.stdout, done.stderr, done.code) == ("False 1\n", "", 0)
    assert not done.store.exists()


def test_an_uncaught_exception_is_one_finding_and_its_traceback_is_unchanged(programs):
    code = "def f():\n    raise ValueError('boom')\nf()\n"
    plain = programs.run(START.replace("wiring.start()", "") + code)
    watched = programs.run(START.replace("wiring.start()", "wiring.start()") + code, OTEL_MLDEBUG_NOTES="false")
    assert (watched.stdout, watched.stderr.replace("wiring.start()", ""), watched.code) == (
        plain.stdout,
        plain.stderr,
        1,
    )
    assert [finding["exception.message"] for finding in watched.findings()] == ["boom"]
    assert watched.findings()[0]["code.function.name"] == "__main__.f"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no traceback of this Python shows notes")
def test_with_notes_the_explanation_follows_the_traceback(programs):
    done = programs.run(START + "raise ValueError('boom')\n")
    head, _, tail = done.stderr.partition("ValueError: boom\n")
    assert "Traceback" in head
    assert all(line.startswith(("otel-mldebug: ", "  try: ", "  see: ")) for line in tail.splitlines())
    assert tail


def test_under_the_supervisor_there_are_no_notes(programs):
    done = programs.run(START + "raise ValueError('boom')\n", OTEL_MLDEBUG_SUPERVISED="1")
    assert done.stderr.endswith("ValueError: boom\n")
    assert len(done.findings()) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("import sys; sys.exit(3)", None, id="SystemExit"),
        pytest.param("raise KeyboardInterrupt", None, id="KeyboardInterrupt"),
        pytest.param(
            "import threading; t = threading.Thread(target=lambda: 1 / 0, name='w'); t.start(); t.join()",
            "division by zero",
            id="in a thread",
        ),
        pytest.param(
            "class A:\n    def __del__(self): raise OSError('in del')\na = A(); del a",
            "in del",
            id="that Python ignores",
        ),
    ],
)
def test_what_becomes_a_finding(programs, code, message):
    done = programs.run(START + code)
    assert [finding["exception.message"] for finding in done.findings()] == ([message] if message else [])


def test_hooks_of_the_users_own_still_run(programs):
    done = programs.run(
        """
        import sys
        sys.excepthook = lambda *args: print("mine", args[1])
        import otel_mldebug.wiring as wiring; wiring.start()
        later = sys.excepthook
        sys.excepthook = lambda *args: (print("later"), later(*args))
        raise ValueError("boom")
        """
    )
    assert done.stdout.splitlines() == ["later", "mine boom"]
    assert len(done.findings()) == 1


def test_unusable_settings_are_one_line_and_the_program_goes_on(programs):
    child = "import otel_mldebug.wiring as wiring; wiring.start()"
    done = programs.run(
        f"""
        import subprocess, sys
        {child}
        print("on")
        print(subprocess.run([sys.executable, "-c", {child!r}], capture_output=True).stderr)
        """,
        OTEL_MLDEBUG_BUDGET="lots",
    )
    assert done.stdout.splitlines() == ["on", "b''"]
    assert done.stderr == (
        "OTEL_MLDEBUG_BUDGET='lots' is not usable: expected a number, such as 0.02 or 2%. otel-mldebug stays off.\n"
    )
    assert not done.store.exists()


@pytest.mark.parametrize("variable", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_MLDEBUG_DISABLED": "1"}], ids=str)
def test_switched_off_nothing_happens_at_all(programs, variable):
    done = programs.run(
        START + "import sys; print(sys.excepthook is sys.__excepthook__)\nraise ValueError('boom')", **variable
    )
    assert done.stdout == "True\n"
    assert done.stderr.endswith("ValueError: boom\n")
    assert not done.store.exists()


def test_a_store_that_cannot_be_written_is_one_line_and_the_program_goes_on(programs):
    (programs.directory / "file").write_text("")
    done = programs.run(
        START + "from otel_mldebug import capture_exception\nprint(capture_exception(ValueError('x')) is not None)",
        OTEL_MLDEBUG_STORE=str(programs.directory / "file" / "store"),
    )
    assert (done.stdout, done.code, len(done.stderr.splitlines())) == ("True\n", 0, 1)


def test_a_program_that_changes_its_directory_keeps_its_store(programs):
    (programs.directory / "elsewhere").mkdir()
    done = programs.run(START + "import os; os.chdir('elsewhere'); raise ValueError('x')")
    assert len(done.findings()) == 1
    assert list((programs.directory / "elsewhere").iterdir()) == []


def test_patterns_of_the_users_own_explain_first(programs):
    (programs.directory / "mine.toml").write_text(
        """
        [[pattern]]
        id = "acme.full"
        category = "inference"
        severity = "warning"
        summary = "The queue is full."
        solutions = ["Wait."]
        match = [{ message = "queue full" }]
        """
    )
    done = programs.run(START + "raise RuntimeError('queue full (17 waiting)')", OTEL_MLDEBUG_PATTERNS="mine.toml")
    assert [finding["mldebug.finding.rule"] for finding in done.findings()] == ["acme.full"]


def test_each_mistake_of_a_file_of_patterns_is_a_line_and_the_program_goes_on(programs):
    (programs.directory / "mine.toml").write_text('[[pattern]]\nid = "acme.full"\n')
    done = programs.run(START + "print('on')", OTEL_MLDEBUG_PATTERNS="mine.toml")
    assert done.stdout == "on\n"
    said = [line.partition("mine.toml: ")[2].partition(" is not usable")[0] for line in done.stderr.splitlines()]
    assert said == [
        f"pattern 1 (acme.full): {what}" for what in ("match=None", "category=''", "summary=''", "solutions=[]")
    ]
    assert done.stderr.endswith("otel-mldebug stays off.\n")


def test_a_working_directory_that_is_gone_is_no_obstacle(programs):
    done = programs.run(
        """
        import os
        os.mkdir("gone")
        os.chdir("gone")
        os.rmdir("../gone")
        import otel_mldebug.wiring as wiring; wiring.start()
        print("on")
        raise ValueError("boom")
        """,
        OTEL_MLDEBUG_NOTES="false",
    )
    assert (done.stdout, done.code) == ("on\n", 1)
    assert done.stderr.splitlines()[0].startswith("the local store is off: ")
    assert done.stderr.splitlines()[1].startswith("Traceback ")
    assert done.stderr.endswith("ValueError: boom\n")
