"""The time of Python's collection of garbage."""

import gc

from otel_mldebug.instrument.training.steps.collections import Collections


def clock(*times):
    left = list(times)
    return lambda: left.pop(0)


def test_collections_are_added_up_until_they_are_taken():
    enabled = gc.isenabled()
    gc.disable()
    try:
        spent = Collections(clock(1.0, 1.25, 2.0, 2.5))
        gc.collect()
        gc.collect()
        assert spent.take() == {"gc_s": 0.75}
        assert spent.take() == {}
    finally:
        spent.close()
        if enabled:
            gc.enable()


def test_next_to_nothing_is_not_told():
    spent = Collections(lambda: 1.0)
    gc.collect()
    assert spent.take() == {}
    spent.close()


def test_the_callback_goes_with_its_owner():
    before = list(gc.callbacks)
    spent = Collections()
    assert len(gc.callbacks) == len(before) + 1
    del spent
    assert gc.callbacks == before
