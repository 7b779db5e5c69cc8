"""A store that is not there yet, and a clock that only the test moves."""

from pathlib import Path

import pytest

from tests.store.making import Clock


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def clock() -> Clock:
    return Clock()
