"""A private pipeline for each test."""

from collections.abc import Iterator

import pytest

from otel_mldebug.testing import Telemetry


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with Telemetry() as pipeline:
        yield pipeline
