"""How long backward passes wait for other ranks, as DistributedDataParallel itself has measured it."""

from types import SimpleNamespace
from typing import Any

import pytest

from otel_mldebug.instrument.training.distributed.syncing import EVERY, FIRST, Syncing

MS = 1_000_000


class Wrapper:
    """Measures its first ten passes, and then one in a hundred."""

    def __init__(self, waiting_ms: float, beside_ms: float = 0.0) -> None:
        self.logger = self
        self.asked = self.passes = 0
        self._waiting, self._beside = waiting_ms, beside_ms

    def _get_ddp_logging_data(self) -> Any:
        self.asked += 1
        passes = min(self.passes, 10) if self.passes < 100 else self.passes // 100 * 100
        times = {
            "backward_comm_time": int((self._waiting + self._beside) * MS),
            "backward_compute_comm_overlap_time": int(self._beside * MS),
        }
        return SimpleNamespace(ints_map={"iteration": passes, **(times if passes else {})})


def waits(synced: Syncing, wrapper: Wrapper, steps: int) -> list[float | None]:
    found = []
    for _ in range(steps):
        found.append(synced(0.1))
        wrapper.passes += 1
    return found


def test_what_was_measured_of_the_pass_before_is_taken_for_this_one_each_time_once():
    wrapper = Wrapper(waiting_ms=40, beside_ms=20)
    found = waits(Syncing([wrapper]), wrapper, 11 + 10)

    assert found == [None, *[pytest.approx(0.04)] * 10, *[None] * 10]


def test_later_it_is_asked_for_so_rarely_that_it_costs_nothing():
    wrapper = Wrapper(waiting_ms=40)
    found = waits(Syncing([wrapper]), wrapper, 10 * EVERY)

    assert wrapper.asked == FIRST - 1 + 10 - (FIRST > EVERY)
    assert [step for step, wait in enumerate(found) if wait is not None] == [
        *range(1, 11), *range(3 * EVERY - 1, 10 * EVERY, 2 * EVERY),
    ]  # fmt: skip


def test_several_models_add_up_and_none_waits_longer_than_the_pass_took():
    first, second = Wrapper(waiting_ms=30), Wrapper(waiting_ms=50)
    synced = Syncing([first, second])
    first.passes = second.passes = 1
    synced(0.1)
    first.passes = second.passes = 2
    assert synced(0.1) == pytest.approx(0.08)
    first.passes = second.passes = 3
    assert synced(0.01) == pytest.approx(0.008), "of a shorter pass the same share"
    first.passes = second.passes = 4
    assert synced(0.01) == 0.01


def test_a_program_without_wrapped_models_and_a_step_without_backward_say_nothing():
    assert [Syncing([])(0.1), Syncing([Wrapper(1)])(None)] == [None, None]


def test_a_pytorch_that_does_not_tell_is_asked_once():
    synced = Syncing([SimpleNamespace()])
    synced(0.1)
    with pytest.raises(AttributeError):  # in a program it is logged
        synced(0.1)
    assert [synced(0.1) for _ in range(4)] == [None] * 4
