"""What became of parameters is worked out once for all detectors of one judgement, and forgotten after it."""

from collections.abc import Iterator

from otel_mldebug.rules.detectors.layers import DETECTORS
from otel_mldebug.rules.detectors.layers.changes import fates
from otel_mldebug.rules.detectors.once import judging
from otel_mldebug.rules.looks import Look
from tests.rules.detectors.layers.building import NET, looks, weight

STUCK = [*NET, weight("stuck", changed=False, update_ratio=0.0)]


class Counted(list[Look]):
    """Looks that count how often somebody goes through them."""

    times = 0

    def __iter__(self) -> Iterator[Look]:
        self.times += 1
        return super().__iter__()


def test_what_became_of_parameters_is_worked_out_once_in_a_judgement():
    window = Counted(looks(STUCK))
    with judging(window):
        first, second = fates(window), fates(window, 2)
        assert (window.times, first) == (1, second)

    assert [f.latest.layer for f in first if f.idle] == ["stuck"]


def test_a_judgement_finds_what_each_detector_finds_alone():
    window = looks(STUCK)
    alone = [detect(window, []) for detect in DETECTORS]
    with judging(window):
        assert [detect(window, []) for detect in DETECTORS] == alone


def test_nothing_is_kept_after_a_judgement():
    window = looks(STUCK)
    with judging(window):
        assert [f.latest.layer for f in fates(window) if f.idle] == ["stuck"]
    window[:] = looks([weight("other", changed=False), *NET])

    assert [f.latest.layer for f in fates(window) if f.idle] == ["other"]


def test_other_looks_are_not_mistaken_for_those_that_are_being_judged():
    window, other = looks(STUCK), looks([weight("other", changed=False), *NET])
    with judging(window):
        found = [[f.latest.layer for f in fates(each) if f.idle] for each in (window, other, window)]

    assert found == [["stuck"], ["other"], ["stuck"]]


def test_a_judgement_within_another_one_leaves_it_as_it_was():
    window, other = Counted(looks(STUCK)), looks([weight("other", changed=False), *NET])
    with judging(window):
        fates(window)
        with judging(other):
            assert [f.latest.layer for f in fates(other) if f.idle] == ["other"]
        fates(window)

    assert window.times == 1


def test_the_start_of_an_optimizer_counts_that_comes_after_another_one():
    late = (200, 201, 202, 204, 208, 216, 232)

    assert fates(looks(STUCK, at=late)) == []
    assert [f.latest.layer for f in fates(looks(STUCK, at=late, began=200)) if f.idle] == ["stuck"]
