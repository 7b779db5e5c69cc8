"""How much of a processor is left, told from the load of the machine."""

import pytest

from otel_mldebug.instrument.training.steps.crowding import share_of_a_processor


@pytest.mark.parametrize(
    ("load", "processors", "share"),
    [
        pytest.param(0.0, 2, 1.0, id="idle"),
        pytest.param(1.0, 2, 1.0, id="a processor is free"),
        pytest.param(2.0, 2, 1.0, id="just enough"),
        pytest.param(8.0, 2, 0.25, id="four want each of them"),
        pytest.param(100.0, 64, 0.64, id="a large machine"),
        pytest.param(4.0, None, 0.25, id="processors are not known"),
    ],
)
def test_the_share_that_is_left(load, processors, share):
    assert share_of_a_processor(lambda: (load, 0.0, 0.0), lambda: processors) == share


def test_where_the_load_is_not_told_nothing_is_known():
    def broken():
        raise OSError("no load")

    assert share_of_a_processor(None) == 1.0
    assert share_of_a_processor(broken) == 1.0
