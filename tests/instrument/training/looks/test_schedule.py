"""When looks are due: pure counts and seconds."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.instrument.training.looks.schedule import (
    ALLOWANCE_S,
    CALM_STEPS,
    LEAST_BETWEEN,
    NEVER,
    TROUBLE_STEPS,
    Purse,
    Schedule,
    grown,
)


def run(schedule: Schedule, steps: int, *, cost_s: float, step_s: float, every: int = 0) -> tuple[list[int], float]:
    """Return the steps that are looked at, and what the budget had to pay for."""
    looked, owed_s = [], 0.0
    for step in range(steps):
        if step >= schedule.next_step:
            looked.append(step)
            owed_s += schedule.looked(step, cost_s, step_s, every)
    return looked, owed_s


def following(schedule: Schedule, steps: range) -> list[int]:
    """Return which of `steps` are looked at; a look costs a millisecond, a step ten."""
    return [step for step in steps if step >= schedule.next_step and not schedule.looked(step, 0.001, 0.01)]


def test_the_first_steps_are_looked_at_and_the_budget_pays_for_none_of_it():
    purse = Purse()

    assert run(Schedule(purse, 0.02), 130, cost_s=0.005, step_s=0.01) == ([0, 1, 2, 4, 8, 16, 32, 48, 72, 108], 0.0)
    assert (purse.spent_s, purse.first_s) == pytest.approx((0.05, ALLOWANCE_S - 0.05))


def test_once_the_allowance_is_used_up_looks_take_their_share_of_the_budget():
    looked, owed_s = run(Schedule(Purse(first_s=0.0), 0.02), 10_000, cost_s=0.005, step_s=0.01)

    assert looked == list(range(LEAST_BETWEEN, 10_000, 625))
    assert owed_s == pytest.approx(0.04 * 0.02 * 10_000 * 0.01)


def test_long_steps_are_looked_at_every_fifty_steps_at_most():
    looked, _ = run(Schedule(Purse(first_s=0.0), 0.02), 300, cost_s=0.005, step_s=10.0)

    assert looked == [50, 100, 150, 200, 250]


def test_a_program_that_says_how_often_gets_just_that():
    looked, owed_s = run(Schedule(Purse(), 0.02), 40, cost_s=0.5, step_s=0.001, every=10)

    assert looked == [0, 10, 20, 30]
    assert owed_s == 2.0


@pytest.mark.parametrize(
    ("cost_s", "step_s", "expected"),
    [
        pytest.param(0.003, 0.01, [0, 50, 100, 150, 200], id="cheap looks come as often as was asked for"),
        pytest.param(0.006, 0.01, [0, 100, 200], id="dear ones as often as a third of the budget pays for"),
        pytest.param(0.005, 0.0001, [0], id="of short steps few"),
        pytest.param(0.005, 5e-324, [0], id="of steps of no length at all one"),
        pytest.param(0.005, 0.0, [0, 50, 100, 150, 200], id="no length of steps is known"),
    ],
)
def test_sampled_statistics_cost_no_more_than_the_budget(cost_s, step_s, expected):
    looked, owed_s = run(Schedule(Purse(), 0.02), 201, cost_s=cost_s, step_s=step_s, every=50)

    assert looked == expected
    assert owed_s == pytest.approx(cost_s * len(expected))


def test_the_slow_first_look_does_not_set_the_distance_for_long():
    schedule = Schedule(Purse(), 0.02)
    schedule.looked(0, 2.0, 0.01, 50)
    first = schedule.next_step

    assert first == pytest.approx(500, abs=1)
    looked, _ = run(schedule, 4000, cost_s=0.0025, step_s=0.01, every=50)
    assert [later - step for step, later in itertools.pairwise(looked)][-10:] == [50] * 10


def test_without_a_budget_there_are_no_looks():
    schedule = Schedule(Purse(), 0.0)
    schedule.worry(3)

    assert schedule.next_step == NEVER
    assert run(schedule, 100, cost_s=0.001, step_s=0.1) == ([], 0.0)


def test_trouble_has_every_step_looked_at_for_a_while():
    schedule = Schedule(Purse(), 0.02)
    run(schedule, 100, cost_s=0.001, step_s=0.01)
    schedule.worry(100)

    assert following(schedule, range(100, 125)) == [*range(100, 100 + TROUBLE_STEPS + 1)]


def test_an_alarm_which_may_be_noise_has_two_steps_looked_at():
    schedule = Schedule(Purse(), 0.02)
    run(schedule, 130, cost_s=0.001, step_s=0.01)
    schedule.alarm(130)

    assert following(schedule, range(130, 180)) == [130, 131]


def test_alarms_that_come_again_and_again_have_more_and_more_steps_looked_at():
    schedule = Schedule(Purse(), 0.02)
    run(schedule, 130, cost_s=0.001, step_s=0.01)
    found = []
    for step in (130, 140, 150, 160, 172):
        schedule.alarm(step)
        found.append(len(following(schedule, range(step, step + 10))))

    assert found == [2, 3, 5, 9, 10]


def test_an_alarm_after_a_calm_time_is_taken_for_noise_again():
    schedule = Schedule(Purse(), 0.02)
    run(schedule, 130, cost_s=0.001, step_s=0.01)
    for step in (130, 140):
        schedule.alarm(step)
        following(schedule, range(step, step + 10))
    schedule.alarm(140 + CALM_STEPS + 1)

    assert following(schedule, range(191, 230)) == [191, 192]


def test_an_alarm_does_not_shorten_the_time_after_a_sign_of_trouble():
    schedule = Schedule(Purse(), 0.02)
    run(schedule, 100, cost_s=0.001, step_s=0.01)
    schedule.worry(100)
    schedule.alarm(101)

    assert following(schedule, range(100, 125)) == [*range(100, 100 + TROUBLE_STEPS + 1)]


def test_trouble_that_goes_on_does_not_cost_more_than_a_twentieth_of_the_time():
    schedule = Schedule(Purse(first_s=0.0, trouble_s=0.0), 0.02)
    looked = 0
    for step in range(2000):
        schedule.worry(step)
        if step >= schedule.next_step:
            looked += 1
            schedule.looked(step, 0.004, 0.001)

    assert looked * 0.004 <= 0.05 * 2000 * 0.001 + 0.004


def test_a_program_that_makes_optimizers_all_the_time_gets_looks_at_the_first_ones_only():
    purse = Purse()
    looked = [run(Schedule(purse, 0.02), 3, cost_s=0.01, step_s=0.01)[0] for _ in range(50)]

    assert looked == [[0, 1, 2]] * 10 + [[]] * 40


@given(st.integers(0, 1 << 40))
def test_the_next_first_step_comes_later_and_at_most_twice_as_late(step):
    assert step < grown(step) <= max(1, 2 * step)


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10), st.booleans()), max_size=40),
    st.floats(0, 1),
    st.integers(0, 100),
)
def test_a_look_is_always_followed_by_a_later_one(costs, share, every):
    schedule = Schedule(Purse(), share)
    step = 0
    for cost_s, step_s, worried in costs:
        if worried:
            schedule.worry(step)
        owed_s = schedule.looked(step, cost_s, step_s, every)
        assert 0 <= owed_s <= cost_s
        assert schedule.next_step > step
        step = min(schedule.next_step, step + 1000)


def turns(order: str, calls: int = 3000) -> list[int]:
    """Return the steps of `b` that are looked at, where `a` and `b` step in that order again and again."""
    known = {name: Schedule(Purse(), 0.01) for name in set(order)}
    made = dict.fromkeys(known, 0)
    found = []
    for name in itertools.islice(itertools.cycle(order), calls):
        due = [n for n, looks in known.items() if made[n] >= looks.next_step]
        ready = [known[n].ready(made[n]) for n in due]  # each of them counts its calls
        if any(ready):
            if made[name] >= known[name].next_step:
                known[name].looked(made[name], 0.002, 0.001)
                found += [made[name]] if name == "b" else []
            for n in due:
                if n != name:
                    known[n].missed()
        made[name] += 1
    return found


@pytest.mark.parametrize("order", ["ab", "aab", "aaab", "aaaaab", "aaaaaaaaaab", "abb", "aaabb"])
def test_an_optimizer_that_takes_turns_is_looked_at_whatever_the_order(order):
    found = turns(order)

    assert len(found) >= 8
    assert found[0] <= 4
    assert sum(step <= 64 for step in found) >= 5


def test_an_optimizer_that_has_stopped_is_asked_for_less_and_less_often():
    looks = Schedule(Purse(), 0.01)
    for steps in (0, 1, 1, 2, 2, 3):
        looks.ready(steps)
    asked = 0
    for _ in range(10_000):
        if looks.ready(3):
            looks.missed()
            asked += 1

    assert asked <= 16


def test_a_rhythm_that_is_not_kept_is_learned_anew():
    looks = Schedule(Purse(), 0.01)
    for _ in range(4):
        looks.missed()
    asked = [looks.ready(call // 3) for call in range(40)]
    later = []
    for call in range(60):
        ready = looks.ready(14 + call // 5)
        later.append(ready and call % 5 == 4)
        if ready and call % 5 != 4:
            looks.missed()

    assert any(asked)
    assert any(later[30:])


def bare(schedule: Schedule, steps: int) -> list[int]:
    """Return which steps are looked at where no parameter has a gradient, which is seen wherever it is looked for."""
    looked, again = [], 0
    for step in range(steps):
        if step >= schedule.next_step:
            looked.append(step)
            schedule.looked(step, 0.001, 0.01)
        if step >= again:
            again = schedule.bare(step)
    return looked


def test_an_optimizer_without_any_gradient_is_looked_at_when_it_starts_and_a_little_later():
    purse = Purse(first_s=0.0)

    assert bare(Schedule(purse, 0.02), 100) == [3, 15, 16, 17]
    assert purse.trouble_s == pytest.approx(0.2 - 0.004)


def test_looks_at_one_without_gradients_wait_for_it_where_others_take_them():
    schedule = Schedule(Purse(first_s=0.0), 0.02)
    schedule.bare(2)
    schedule.looked(3, 0.001, 0.01)
    schedule.bare(14)
    schedule.missed()
    schedule.looked(20, 0.001, 0.01)

    assert following(schedule, range(21, 40)) == [21, 22]


def test_half_of_what_is_there_for_trouble_is_left_to_others():
    purse = Purse(first_s=0.0, trouble_s=0.1)

    assert bare(Schedule(purse, 0.02), 49) == []
    assert Schedule(purse, 0.02).bare(3) == NEVER


def test_without_a_budget_one_without_gradients_is_not_looked_at_either():
    assert bare(Schedule(Purse(), 0.0), 100) == []
