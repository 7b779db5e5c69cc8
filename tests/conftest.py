"""What every test gets: our own faults fail it, and no setting of the developer's leaks in."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from otel_mldebug import _guard


def pytest_configure() -> None:
    """Draw the same examples in every run, on a machine of any speed, offline; let signals have their usual effect.

    A shell starts a job in the background (`&`, `nohup`) with SIGINT, SIGQUIT or SIGHUP ignored, and everything that
    the job starts inherits that.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # read once, by whichever test imports the hub first: none needs the network
    too_slow = [HealthCheck.too_slow]
    settings.register_profile("ours", derandomize=True, deadline=None, suppress_health_check=too_slow)
    settings.load_profile("ours")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGQUIT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _own_faults_fail_the_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(_guard, "strict", True)
    yield
    _guard.reset()


@pytest.fixture(autouse=True)
def _no_foreign_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
