"""What every test gets: our own faults fail it, and no setting of the developer's leaks in."""

import os
from collections.abc import Iterator

import pytest

from otel_mldebug import _guard


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
