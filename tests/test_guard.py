"""Faults of ours stay ours, whatever becomes of the log."""

import logging

import pytest

from otel_mldebug import _guard


@pytest.fixture
def logged(monkeypatch):
    """Faults are logged, as they are for users, to a handler that fails where `exc_info` is asked of it."""
    records = []

    class Handler(logging.Handler):
        def emit(self, record):
            if record.exc_info:
                raise ValueError("a handler of the program's fails")
            records.append(record.getMessage())

    monkeypatch.setattr(_guard, "strict", False)
    handler = Handler()
    _guard.log.addHandler(handler)
    yield records
    _guard.log.removeHandler(handler)
    _guard.reset()


def test_a_fault_whose_traceback_cannot_be_logged_is_said_without_it(logged):
    for _ in range(2):
        with _guard.guard("read the GPU"):
            raise KeyError("x")
    assert logged == ["could not read the GPU (KeyError); your program goes on without it"]
    assert _guard.faults() == {"read the GPU": 2}


def test_a_log_that_fails_altogether_is_survived(logged, monkeypatch):
    monkeypatch.setattr(_guard.log, "warning", lambda *_, **__: 1 / 0)
    with _guard.guard("read the GPU"):
        raise KeyError("x")
    assert (logged, _guard.faults()) == ([], {"read the GPU": 1})


def test_what_stops_a_program_is_never_swallowed(logged):
    with pytest.raises(KeyboardInterrupt), _guard.guard("read the GPU"):
        raise KeyboardInterrupt
    assert (logged, _guard.faults()) == ([], {})
