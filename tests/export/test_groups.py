"""Counts are exact, rates are kept, memory is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.export.groups import Groups, Rate, Verdict
from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.semconv.names import Category, Severity


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def occurrence(rule: str = "a") -> Occurrence:
    finding = Finding(rule=rule, category=Category.UNKNOWN, severity=Severity.ERROR, summary=rule, fingerprint=rule)
    return Occurrence(finding=finding, id=rule, time_ns=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_group_is_sent_up_to_its_burst_and_then_held_back(clock):
    groups = Groups(clock, per_group=Rate(2, 0.1))
    assert [groups.see("a") for _ in range(4)] == [
        Verdict(True, 1, 0),
        Verdict(True, 2, 0),
        Verdict(False, 3, 0),
        Verdict(False, 4, 0),
    ]


def test_the_next_one_sent_says_how_many_were_not(clock):
    groups = Groups(clock, per_group=Rate(1, 0.1))
    for _ in range(8):
        groups.see("a")
    clock.now_s = 10.0
    assert groups.see("a") == Verdict(True, 9, 7)
    assert groups.suppressed == 7


@pytest.mark.parametrize(
    ("waited_s", "sent"),
    [
        pytest.param(9.99, False, id="a hundredth of a second too early"),
        pytest.param(10.0, True, id="exactly when the token is there"),
        pytest.param(-5.0, False, id="a clock that stepped back"),
        pytest.param(0.0, False, id="at once"),
    ],
)
def test_a_token_comes_back_in_its_time(clock, waited_s, sent):
    groups = Groups(clock, per_group=Rate(1, 0.1))
    groups.see("a")
    clock.now_s = waited_s
    assert groups.see("a").send is sent


def test_one_noisy_group_takes_no_tokens_from_the_others(clock):
    groups = Groups(clock, per_group=Rate(1, 0), overall=Rate(2, 0))
    for _ in range(50):
        groups.see("noisy")
    assert groups.see("quiet") == Verdict(True, 1, 0)


def test_all_groups_together_keep_to_the_overall_rate(clock):
    groups = Groups(clock, overall=Rate(3, 0), introductions=0)
    assert [groups.see(str(i)).send for i in range(5)] == [True, True, True, False, False]


def test_a_new_kind_of_trouble_is_sent_beyond_the_overall_rate_but_not_without_end(clock):
    groups = Groups(clock, overall=Rate(1, 0), introductions=2)
    assert [groups.see(str(i)).send for i in range(5)] == [True, True, True, False, False]
    assert not groups.see("0").send, "it is not new any more"


def test_what_was_held_back_is_drained_once_with_its_example(clock):
    groups = Groups(clock, per_group=Rate(1, 0))
    example = occurrence()
    for _ in range(3):
        groups.see("a")
    groups.held_back("a", example)
    assert groups.drain() == [(example, 3, 2)]
    assert groups.drain() == []


def test_an_example_for_a_group_with_nothing_held_back_is_not_kept(clock):
    groups = Groups(clock)
    groups.see("a")
    groups.held_back("a", occurrence())
    groups.held_back("never seen", occurrence())
    assert groups.drain() == []


def test_a_group_whose_example_gave_way_is_counted_on(clock):
    groups = Groups(clock, max_groups=2)
    for fingerprint in ("a", "b", "a", "c"):  # b is the one not seen for longest
        groups.see(fingerprint)
    assert (groups.see("a").count, groups.see("b").count, groups.total) == (3, 2, 6)


def test_a_group_of_which_nothing_was_sent_is_handed_out_once_when_it_gives_way(clock):
    groups = Groups(clock, overall=Rate(0, 0), introductions=0, max_groups=1)
    a, b = occurrence("a"), occurrence("b")
    for one in (a, a, b, a, b):
        groups.see(one.finding.rule)
        groups.held_back(one.finding.rule, one)
    assert groups.fallen() == [(a, 2, 2), (b, 1, 1)]
    assert (groups.fallen(), groups.drain()) == ([], [(b, 2, 1)])


def test_what_gave_way_and_was_not_asked_for_comes_with_what_is_drained(clock):
    groups = Groups(clock, overall=Rate(0, 0), introductions=0, max_groups=1)
    a, b = occurrence("a"), occurrence("b")
    for one in (a, b):
        groups.see(one.finding.rule)
        groups.held_back(one.finding.rule, one)
    assert groups.drain() == [(a, 1, 1), (b, 1, 1)]


def test_a_group_that_was_sent_gives_way_without_a_word(clock):
    groups = Groups(clock, per_group=Rate(1, 0), max_groups=1)
    for _ in range(3):
        groups.see("a")
        groups.held_back("a", occurrence("a"))
    groups.see("b")
    assert groups.fallen() == []


def test_a_group_that_comes_in_again_is_counted_from_there_for_its_rate(clock):
    groups = Groups(clock, max_groups=1)
    finding = occurrence().finding
    for fingerprint in ("a", "a", "b", "a"):
        groups.see(fingerprint, finding)
    assert groups.counted() == [("a", finding, 1)]


def test_there_is_room_for_so_many_kinds_and_for_those_that_are_known(clock):
    groups = Groups(clock, max_kinds=2, max_groups=1)
    for fingerprint in ("a", "b"):
        groups.see(fingerprint)
    assert [groups.has_room_for(fingerprint) for fingerprint in ("a", "b", "c")] == [True, True, False]


@given(st.lists(st.integers(0, 5), max_size=200), st.integers(1, 4))
def test_every_occurrence_is_either_sent_or_counted_as_suppressed(seen, max_groups):
    groups = Groups(Clock(), per_group=Rate(2, 0.1), overall=Rate(7, 1), max_groups=max_groups)
    sent = sum(groups.see(str(number)).send for number in seen)
    assert (sent + groups.suppressed, groups.total) == (len(seen), len(seen))
