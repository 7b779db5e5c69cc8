"""What ranks tell each other survives the way through a file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.detectors.ranks import RANK_DETECTORS
from otel_mldebug.rules.ranks import Check, Collective, Position, RankView, Reduction, Times, view_of

seconds = st.integers(0, 10**12).map(lambda tenths_of_us: round(tenths_of_us / 1e7, 7))
counts = st.integers(0, 10**6)
sums = st.lists(counts, max_size=3).map(tuple)
views = st.builds(
    RankView,
    rank=st.integers(0, 3),
    world_size=st.integers(1, 4),
    steps=counts,
    position=st.builds(Position, phase=st.text(), operation=st.text(), place=st.text(), in_loop=st.booleans()),
    idle_s=seconds,
    ended=st.booleans(),
    collective=st.none()
    | st.builds(Collective, name=st.text(), number=counts, sizes=st.lists(sums, max_size=2).map(tuple)),
    names=st.lists(st.lists(st.text(), max_size=2).map(tuple), max_size=2).map(tuple),
    checks=st.lists(
        st.builds(Check, number=counts, step=counts, optimizer=st.integers(0, 2), picked=sums, sums=sums), max_size=5
    ).map(tuple),
    wrapped=st.booleans(),
    divided=st.none() | st.booleans(),
    joined=st.booleans(),
    sharded=st.booleans(),
    batches=st.dictionaries(counts, counts, max_size=4),
    fed=st.lists(st.tuples(counts, counts, st.floats(0, 1e6)), max_size=3).map(tuple),
    mean_loss=st.booleans(),
    reduced=st.lists(
        st.builds(Reduction, step=counts, local_norm=st.floats(0, 1e6), kept=st.booleans()), max_size=3
    ).map(tuple),
    times=st.lists(st.builds(Times, step=counts, duration_s=seconds, forward_s=seconds), max_size=4).map(tuple),
)


@given(views)
def test_a_view_is_the_same_after_a_file(view):
    assert view_of(json.loads(json.dumps(view.to_json()))) == view


@pytest.mark.parametrize("page", [{}, {"rank": 0}, {"rank": 0, "world_size": 2, "position": 3}, {"position": None}])
def test_what_is_no_view_is_none(page):
    assert view_of(page) is None


def test_a_view_of_a_newer_version_is_none():
    assert view_of({**RankView(rank=0, world_size=2).to_json(), "mood": "good"}) is None


@given(st.lists(views, max_size=4))
def test_no_views_make_a_detector_raise_and_every_finding_can_be_written_down(found):
    for detect in RANK_DETECTORS:
        finding = detect(sorted(found, key=lambda view: view.rank))
        if finding is not None:
            assert isinstance(finding.evidence["rank"], int)
            assert len(finding.solutions) >= 2
            json.dumps(finding.to_json())
