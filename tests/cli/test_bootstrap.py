"""What happens in a Python that `run` started, before the first line of its program."""

import os
import subprocess
import sys
import venv

import pytest

from otel_mldebug.cli.run import BOOTSTRAP

SHOW = [
    "import sys",
    "print('otel_mldebug.wiring' in sys.modules, 'torch' in sys.modules, 'opentelemetry.sdk' in sys.modules)",
]


def test_the_hooks_are_in_place_and_nothing_heavy_is_imported(mldebug, script, told):
    script("show.py", SHOW)
    assert mldebug("run", "--quiet", "show.py").stdout == "True False False\n"


def test_the_bootstrap_directory_holds_one_module_and_is_no_package():
    assert [path.name for path in BOOTSTRAP.iterdir() if path.name != "__pycache__"] == ["sitecustomize.py"]


def test_the_users_own_sitecustomize_still_runs_under_its_name(here, mldebug, script, told):
    (here / "site").mkdir()
    script("site/sitecustomize.py", ["import sys", "sys.flavour = 'mine'", "whoami = __name__, __file__"])
    script("ask.py", ["import sys, sitecustomize", "print(sys.flavour, *sitecustomize.whoami)", *SHOW[1:]])
    done = mldebug("run", "--quiet", "ask.py", environ={"PYTHONPATH": str(here / "site")})
    assert done.stdout == f"mine sitecustomize {here / 'site' / 'sitecustomize.py'}\nTrue False False\n"


def test_a_users_sitecustomize_that_fails_says_what_it_always_says_and_we_still_start(here, mldebug, script, told):
    (here / "site").mkdir()
    script("site/sitecustomize.py", ["raise ValueError('broken')"])
    script("show.py", SHOW)
    environ = {"PYTHONPATH": str(here / "site")}
    done = mldebug("run", "--quiet", "show.py", environ=environ)
    alone = subprocess.run(
        [sys.executable, "show.py"], cwd=here, env={**os.environ, **environ}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True False False\n"
    assert done.stderr == 2 * alone.stderr, "the supervisor is a Python too"
    assert "ValueError: broken" in done.stderr


def test_pythonpath_is_kept_and_our_directory_is_not_on_the_path(here, mldebug, script, told):
    script("ask.py", ["import os, sys", "print(os.environ['PYTHONPATH']); print(*sys.path, sep='\\n')"])
    done = mldebug("run", "--quiet", "ask.py", environ={"PYTHONPATH": "/no/such/place"})
    first, *path = done.stdout.splitlines()
    assert first == f"{BOOTSTRAP}{os.pathsep}/no/such/place"
    assert path[:2] == [str(here), "/no/such/place"]
    assert str(BOOTSTRAP) not in path


@pytest.mark.parametrize(
    "middle",
    [
        pytest.param("subprocess.run([sys.executable, 'show.py'], check=True)", id="subprocess"),
        pytest.param("os.system(f'{sys.executable} show.py')", id="shell"),
        pytest.param(
            "multiprocessing.get_context('spawn').Process(target=runpy.run_path, args=('show.py',)).start()", id="spawn"
        ),
    ],
)
def test_python_children_are_watched_too(mldebug, script, told, middle):
    script("show.py", SHOW)
    script(
        "outer.py",
        ["import multiprocessing, os, runpy, subprocess, sys", "if __name__ == '__main__':", f"    {middle}"],
    )
    assert mldebug("run", "--quiet", "outer.py").stdout == "True False False\n"


def test_children_of_any_command_are_watched(mldebug, script, told):
    script("show.py", SHOW)
    assert mldebug("run", "--quiet", "bash", "-c", f"{sys.executable} show.py").stdout == "True False False\n"


def test_all_processes_share_the_run_and_the_store(here, mldebug, script, told):
    script("ask.py", ["import os", "print(os.environ['OTEL_MLDEBUG_RUN_ID'], os.environ['OTEL_MLDEBUG_STORE'])"])
    done = mldebug(
        "run", "--quiet", "bash", "-c", f"cd /; {sys.executable} {here}/ask.py; {sys.executable} {here}/ask.py"
    )
    lines = set(done.stdout.splitlines())
    run = next(path for path in (here / ".mldebug").iterdir() if path.is_dir())
    assert lines == {f"{run.name} {here / '.mldebug'}"}


def test_a_python_without_otel_mldebug_runs_as_always_and_the_verdict_says_what_to_install(here, mldebug, script, told):
    venv.EnvBuilder(with_pip=False, symlinks=True).create(here / "other")
    python = here / "other" / "bin" / "python"
    script("show.py", SHOW)
    done = mldebug("run", python, "show.py")
    text = told(done.stderr)
    assert done.stdout == "False False False\n"
    assert told(f"the program ran under {python}, which has no otel-mldebug") in text
    assert told(f"Run: {python} -m pip install otel-mldebug") in text


@pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
def test_a_python_that_is_started_without_us_runs_as_always_and_the_verdict_says_why(mldebug, script, told, flag):
    script("work.py", ["print('hello')"])
    done = mldebug("run", sys.executable, flag, "work.py")
    assert done.stdout == "hello\n"
    assert told(f"Python was started with {flag}, which keeps it from loading") in told(done.stderr)


@pytest.mark.parametrize("disabled", ["OTEL_MLDEBUG_DISABLED", "OTEL_SDK_DISABLED"])
def test_switched_off_nothing_is_touched(here, mldebug, script, told, disabled):
    script("ask.py", ["import os, sys", "print(os.environ.get('PYTHONPATH'), 'otel_mldebug' in sys.modules)"])
    done = mldebug("run", "ask.py", environ={disabled: "true"})
    assert done.stdout == f"{os.environ.get('PYTHONPATH')} False\n"
    assert told(f"nothing: switched off by {disabled}") in told(done.stderr)
    assert [path.name for path in here.iterdir()] == ["ask.py"]


def test_a_helper_process_leaves_no_directory(here, mldebug, script, told):
    script(
        "workers.py",
        [
            "import multiprocessing",
            "if __name__ == '__main__':",
            "    for method in ('fork', 'spawn'):",
            "        with multiprocessing.get_context(method).Pool(2) as pool: print(pool.map(abs, [-1, -2]))",
        ],
    )
    done = mldebug("run", "--quiet", "workers.py")
    assert done.stdout == "[1, 2]\n[1, 2]\n"
    run = next(path for path in (here / ".mldebug").iterdir() if path.is_dir())
    assert [path.name for path in run.iterdir()] == ["run.json"]
