"""The real collector and the real Prometheus, built when Go is there, each started once for all tests here."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import build, services
from tests.stack.asking import Collector, Prometheus

HERE = Path(__file__).parent
_reason: str | None = None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build before the first test starts: minutes of compiling are no test's own time."""
    global _reason
    needed = any(item.get_closest_marker("stack") for item in session.items if isinstance(item, pytest.Item))
    if not needed or session.config.option.collectonly:
        return
    capture = session.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled():
        try:
            build.build()
        except build.GoMissingError as error:
            _reason = str(error)


@pytest.fixture(scope="session")
def built() -> Path:
    """The directory with the binaries."""
    if _reason:
        pytest.skip(_reason)
    return build.cache_dir()


@pytest.fixture(scope="session")
def ports() -> services.Ports:
    return services.Ports.free()


@pytest.fixture(scope="session")
def collector(built: Path, ports: services.Ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """The real collector with local.yaml."""
    service = services.collector(tmp_path_factory.mktemp("collector"), ports)
    service.start()
    yield Collector(service, ports)
    service.stop()
    assert service.process is not None
    assert service.process.returncode == 0, service.last_words()
    errors = [line for line in service.log.read_text().splitlines() if "\terror\t" in line]
    assert errors == [], "the collector complained, for example because two series were the same"


@pytest.fixture(scope="session")
def prometheus(built: Path, ports: services.Ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """The real Prometheus with prometheus.yaml, scraping each second."""
    service = services.prometheus(tmp_path_factory.mktemp("prometheus"), ports, scrape_interval="1s")
    service.start()
    yield Prometheus(service, ports)
    service.stop()


@pytest.fixture(autouse=True)
def _show_logs_of_a_failure(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hand the end of both logs to pytest, which shows it when the test fails."""
    yield
    for name in ("collector", "prometheus"):
        if name in request.fixturenames and request.node.get_closest_marker("stack"):
            log = request.getfixturevalue(name).service.last_words()
            request.node.add_report_section("teardown", name, log)


@pytest.fixture
def tool(built: Path):
    """Run one of the built programs and return what it says and its exit code."""

    def run(name: str, *arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [build.binary(name), *arguments], capture_output=True, text=True, env=environ, timeout=120, check=False
        )

    return run
