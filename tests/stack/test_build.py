"""Building once into the cache, with a `go` that only pretends."""

import os
import subprocess
import sys
import threading

import pytest

from stack import build

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pretended go is a shell script")

PRETEND = """#!/bin/sh
echo "go $*" >> "{log}"
case "$1" in
install)
  printf '%s\\n' '#!/bin/sh' 'echo "builder $*" >> "{log}"' 'mkdir collector' > "$GOBIN/builder"
  echo 'echo made > collector/otelcol-mldebug' >> "$GOBIN/builder"
  chmod +x "$GOBIN/builder" ;;
build)
  for last; do :; done
  [ "$(basename "$last")" = "$FAILING" ] && echo "package $last is broken" && exit 3
  while [ "$1" != -o ]; do shift; done
  echo made > "$2$(basename "$last")" ;;
esac
"""


@pytest.fixture
def go(tmp_path, monkeypatch):
    """Put the pretended go on PATH; what it returns lists the commands that were run."""
    log = tmp_path / "commands"
    log.touch()
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "go").write_text(PRETEND.format(log=log))
    (directory / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    return lambda: [" ".join(line.split()[:2]) for line in log.read_text().splitlines()]


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "HASH"


ALL = ["go install", "builder --config", "go build", "go build"]


def test_the_first_build_makes_everything_and_the_second_nothing(go, cache, capfd):
    assert build.build(cache) == cache
    assert go() == ALL
    assert {path.name for path in cache.iterdir() if path.suffix != ".log"} == {
        "builder", "otelcol-mldebug", "prometheus", "promtool", "lock",
    }  # fmt: skip
    assert "[2/4] building the OpenTelemetry Collector" in capfd.readouterr().err

    build.build(cache)
    assert go() == ALL
    assert capfd.readouterr().err == ""


def test_a_build_that_failed_says_why_and_goes_on_from_there(go, cache, monkeypatch):
    monkeypatch.setenv("FAILING", "prometheus")
    with pytest.raises(
        build.BuildError, match=r"Building prometheus failed \(exit code 3\)\.\n.*is broken\n.*prometheus\.log"
    ):
        build.build(cache)
    assert [step.name for step in build.missing(cache)] == ["prometheus", "promtool"]
    assert list(cache.glob("building-*")) == []

    monkeypatch.delenv("FAILING")
    build.build(cache)
    assert go() == [*ALL[:3], "go build", "go build"]


def test_what_a_killed_build_left_behind_is_cleared_away(go, cache):
    leftover = cache / "building-prometheus-abc" / "prometheus"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("half a binary")
    build.build(cache)
    assert list(cache.glob("building-*")) == []
    assert build.binary("prometheus", cache).read_text() == "made\n"


def test_the_builder_is_not_made_again_for_the_sake_of_prometheus(go, cache):
    build.build(cache)
    (cache / "builder").unlink()
    assert build.missing(cache) == []
    (cache / "prometheus").unlink()
    assert [step.name for step in build.missing(cache)] == ["prometheus"]


def test_builds_at_the_same_time_do_the_work_once(go, cache):
    together = [threading.Thread(target=build.build, args=(cache,)) for _ in range(3)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert go() == ALL


def test_without_go_the_message_says_what_is_wanted_and_what_to_do(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(build.GoMissingError) as caught:
        build.build(cache)
    assert str(caught.value) == (
        "Go 1.25 or newer is needed to build the collector and Prometheus, and there is no `go` on PATH. "
        "Install it (go.dev/doc/install) and run this again; nothing else of the project needs it."
    )
    assert not cache.exists()


@pytest.mark.parametrize(("arguments", "code"), [([], 1), (["--if-possible"], 0)])
def test_make_test_goes_on_without_go_and_make_stack_does_not(arguments, code, tmp_path):
    environ = {**os.environ, "PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "stack.build", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=build.ROOT, check=False)
    assert result.returncode == code
    assert result.stderr.startswith("Go 1.25 or newer is needed")


def test_the_cache_is_where_the_user_wants_it_and_a_second_clone_finds_it():
    assert build.cache_dir({"XDG_CACHE_HOME": "/somewhere"}).parts[:-1] == ("/", "somewhere", "otel-mldebug", "stack")
    assert len(build.digest()) == 16
    assert build.digest() == build.digest()


@pytest.mark.parametrize("name", ["MANIFEST", "TOOLS"])
def test_a_change_of_what_is_built_changes_the_place(name, monkeypatch, tmp_path):
    before = build.digest()
    if name == "MANIFEST":
        changed = tmp_path / "builder-config.yaml"
        changed.write_text(build.MANIFEST.read_text() + "# another module\n")
        monkeypatch.setattr(build, "MANIFEST", changed)
    else:
        for file in ("go.mod", "go.sum"):
            (tmp_path / file).write_text((build.TOOLS / file).read_text())
        (tmp_path / "go.sum").write_text("")
        monkeypatch.setattr(build, "TOOLS", tmp_path)
    assert build.digest() != before
