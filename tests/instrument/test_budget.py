"""The budget: what is spent never exceeds what was earned, whatever happens in whichever order."""

import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.instrument import budget as module
from otel_mldebug.instrument.budget import ELSEWHERE, FIRST_PRICES_NS, Budget

MS = 1_000_000
BURST_NS = 2 * MS


class Clock:
    """Nanoseconds that pass only when told to."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def budget(share: float = 0.02, burst_ns: int = BURST_NS) -> Budget:
    return Budget(share, Clock(), burst_ns=burst_ns)


def emptied(share: float = 0.02) -> Budget:
    """A budget without credit, in which everything costs what it is thought to cost."""
    made = budget(share)
    made.charge(BURST_NS)
    return made


def buy(from_: Budget, kind: str = "capture", *, urgent: bool = False) -> bool:
    """Buy one item that costs what was expected."""
    paid_ns = from_.try_spend(kind, urgent=urgent)
    if paid_ns:
        from_.settle(kind, paid_ns, int(paid_ns / ELSEWHERE.get(kind, 1.0)))
    return paid_ns > 0


def test_the_first_calls_are_paid_from_the_credit_that_a_program_starts_with():
    made = budget()

    bought = sum(buy(made, "span") for _ in range(100))

    assert made.ready is False
    assert bought == BURST_NS / 2 // FIRST_PRICES_NS["span"]


def test_watched_time_is_turned_into_credit_at_the_rate_of_the_share():
    made = emptied()
    price_ns = FIRST_PRICES_NS["span"]

    made.earn(int((BURST_NS / 2 + price_ns) / 0.02) - 1)
    refused = made.try_spend("span")
    made.earn(2)

    assert refused == 0
    assert made.try_spend("span") == price_ns


def test_what_is_urgent_may_use_the_reserve():
    made = emptied()
    made.earn(int(FIRST_PRICES_NS["span"] / 0.02) + 1)

    assert made.ready is False
    assert made.try_spend("span") == 0
    assert made.try_spend("span", urgent=True) == FIRST_PRICES_NS["span"]
    assert made.try_spend("span", urgent=True) == 0


def test_nested_code_earns_once():
    made = budget()
    outer = made.watched_ns
    inner = made.watched_ns
    made.earn(30, inner)
    inner = made.watched_ns
    made.earn(40, inner)
    made.earn(100, outer)

    assert made.watched_ns == 100


def test_concurrent_code_earns_no_more_than_the_time_that_passed():
    made = budget()
    slow = made.watched_ns
    quick = made.watched_ns
    made.earn(1000, slow)
    made.earn(2, quick)

    assert made.watched_ns == 1000


def test_credit_is_bounded_so_an_hour_of_nothing_buys_no_burst():
    made = budget()
    made.earn(3600 * 10**9)

    assert sum(buy(made, "capture") for _ in range(100)) == 1


def test_the_price_follows_what_is_measured_and_counts_the_exporting_thread():
    made = budget(share=1.0, burst_ns=10**12)
    for _ in range(200):
        made.settle("span", made.try_spend("span"), 15_000)

    assert made.price_ns("span") == pytest.approx(15_000 * ELSEWHERE["span"], rel=0.01)
    assert made.price_ns("point") == FIRST_PRICES_NS["point"]


def test_one_measurement_that_hit_a_pause_does_not_spoil_the_price():
    made = budget(share=1.0)
    made.settle("point", made.try_spend("point"), 3_600 * 10**9)

    assert made.price_ns("point") <= 2 * FIRST_PRICES_NS["point"]


def test_what_costs_more_than_can_be_saved_up_is_bought_with_a_full_purse_and_owed():
    made = Budget(0.02, Clock(), burst_ns=1000)

    assert made.try_spend("capture") == FIRST_PRICES_NS["capture"]
    assert made.try_spend("capture", urgent=True) == 0


def test_a_storm_of_errors_uses_up_what_was_saved_but_not_the_reserve():
    made = budget()
    for _ in range(1000):
        made.settle("error", 0.0, 300_000)

    assert made.spent_ns == 1000 * 300_000
    assert (made.ready, made.try_spend("span")) == (False, 0)
    assert sum(buy(made, "span", urgent=True) for _ in range(100)) == BURST_NS / 2 // FIRST_PRICES_NS["span"]


def test_errors_pay_no_debts_back():
    made = emptied()
    made.charge(BURST_NS)
    made.settle("error", 0.0, 300_000)
    made.earn(int((BURST_NS + FIRST_PRICES_NS["span"]) / 0.02) + 1)

    assert made.try_spend("span", urgent=True) == FIRST_PRICES_NS["span"]


def test_a_share_of_nothing_buys_nothing():
    made = budget(share=0.0)
    made.earn(10**12)

    assert (made.ready, made.try_spend("span", urgent=True), made.spent_ns) == (False, 0, 0)


def test_adjusting_to_nothing_and_back_starts_with_what_a_program_starts_with():
    made = budget()
    made.adjust(0.0)
    off = made.try_spend("span")
    made.adjust(0.5)

    assert off == 0
    assert (made.share, made.ready) == (0.5, True)


def test_nobody_waits_for_the_lock():
    made = budget()
    with made._lock:
        refused = made.try_spend("span")
        made.earn(10**9)
        made.settle("span", 0.0, 40_000)
        made.charge(5)
    made.refresh()

    assert refused == 0
    assert (made.watched_ns, made.spent_ns) == (10**9, 40_000 * ELSEWHERE["span"] + 5)


def test_a_forked_child_starts_anew_even_when_the_lock_was_held():
    made = budget()
    made._lock.acquire()
    made.watched_ns = 5
    made.reset()

    assert (made.watched_ns, made.spent_ns, made.try_spend("span") > 0) == (0, 0, True)


def test_the_process_budget_stays_itself_when_a_function_is_sent_elsewhere_by_value():
    own = Budget(0.1)

    assert pickle.loads(pickle.dumps(module.process())) is module.process()
    assert pickle.loads(pickle.dumps(own)).share == 0.1


events = st.lists(
    st.tuples(
        st.sampled_from(["earn", "span", "point", "capture", "urgent"]),
        st.integers(0, 200 * MS),
    ),
    max_size=60,
)


@given(events, st.floats(0.0, 1.0), st.integers(0, 60), st.integers(0, 60))
def test_no_window_holds_more_than_its_share_a_burst_and_one_item(events, share, start, length):
    made = budget(share)
    spent: list[float] = []
    earned: list[int] = []
    dearest_ns = 0.0
    for what, ns in events:
        before_ns = made.spent_ns
        if what == "earn":
            made.earn(ns)
        else:
            kind = "span" if what == "urgent" else what
            paid_ns = made.try_spend(kind, urgent=what == "urgent")
            if paid_ns:
                made.settle(kind, paid_ns, ns)
                dearest_ns = max(dearest_ns, paid_ns, made.spent_ns - before_ns)
        spent.append(made.spent_ns - before_ns)
        earned.append(ns if what == "earn" else 0)

    window = slice(start, start + length)
    allowed_ns = share * sum(earned[window]) + (BURST_NS if share else 0) + dearest_ns
    assert sum(spent[window]) <= allowed_ns + length


@given(st.floats(0.001, 0.05), st.integers(20, 100), st.integers(1, 20))
def test_a_steady_program_pays_its_share_and_not_much_less(share, calls, call_ms):
    made = budget(share)
    cost_ns = 20_000
    for _ in range(calls):
        made.earn(call_ms * MS)
        while buy_at(made, cost_ns):
            pass

    earned_ns = share * calls * call_ms * MS
    assert earned_ns - 2 * BURST_NS <= made.spent_ns <= earned_ns + 2 * BURST_NS


def buy_at(made: Budget, cost_ns: int) -> bool:
    paid_ns = made.try_spend("point")
    if paid_ns:
        made.settle("point", paid_ns, cost_ns)
    return paid_ns > 0


def test_threads_together_spend_no_more_than_one_would():
    made = emptied()
    made.earn(int(BURST_NS / 0.02))
    paid: list[float] = []

    def spend() -> None:
        paid.extend(filter(None, (made.try_spend("point") for _ in range(2000))))

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 0 < sum(paid) <= BURST_NS / 2
