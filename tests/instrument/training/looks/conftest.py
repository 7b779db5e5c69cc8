"""PyTorch with a look into every step, and what the looks are."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training import options  # noqa: E402
from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402


@pytest.fixture
def every(seen: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What a test sees when every step of its training is looked into. Nothing is known of models of other tests."""
    torch.manual_seed(0)
    gc.collect()
    monkeypatch.setattr(pytorch, "_layers", None)
    options.use(options.Options(layers=1))
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(0.02)))
    yield seen
    pytorch.uninstall()
    options.use(options.Options())
