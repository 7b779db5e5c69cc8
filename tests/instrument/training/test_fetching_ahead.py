"""Loops that fetch the next batch before the step of the current one, and those that only look as if they did."""

import gc
import weakref
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from otel_mldebug.instrument.training.steps.ahead import HELD, MOST_AHEAD, Fetch  # noqa: E402
from otel_mldebug.instrument.training.steps.passes import Passes  # noqa: E402
from otel_mldebug.instrument.training.steps.track import Track  # noqa: E402


def rows(count: int, batch: int = 2) -> Any:
    return DataLoader(TensorDataset(torch.ones(count, 4)), batch_size=batch)


def ahead(loader: Iterable[Any]) -> Iterator[Any]:
    """Yield each batch after the next one has been fetched, as Accelerate does."""
    batches = iter(loader)
    current = next(batches)
    for following in batches:
        yield current
        current = following
    yield current


class Training:
    def __init__(self) -> None:
        self.net = nn.Linear(4, 1)
        self.opt = torch.optim.SGD(self.net.parameters(), 0.01)

    def backward(self, x: Any) -> None:
        self.net(x).square().mean().backward()

    def step(self, *batches: Any) -> None:
        for x in batches:
            self.backward(x)
        self.opt.step()
        self.opt.zero_grad()


def test_each_step_gets_the_batch_that_it_is_for(watched):
    run, loader = Training(), rows(7)
    for _ in range(2):
        for (x,) in ahead(loader):
            run.step(x)

    assert [(s.samples, s.epoch, s.shape) for s in watched.steps] == [
        (2, 0, "2 x 4"), (2, 0, "2 x 4"), (2, 0, "2 x 4"), (1, 0, "1 x 4"),
        (2, 1, "2 x 4"), (2, 1, "2 x 4"), (2, 1, "2 x 4"), (1, 1, "1 x 4"),
    ]  # fmt: skip


def test_a_pass_of_one_batch_counts_although_the_loader_ends_before_backward(watched):
    run, loader = Training(), rows(5, 5)
    for _ in range(3):
        for (x,) in ahead(loader):
            run.step(x)

    assert [(s.samples, s.epoch) for s in watched.steps] == [(5, 0), (5, 1), (5, 2)]


def test_groups_that_are_fetched_at_once_are_accumulated(watched):
    run, loader = Training(), rows(14)
    for _ in range(2):
        batches = ahead(loader)
        while group := list(islice(batches, 3)):
            run.step(*(x for (x,) in group))

    assert [(s.samples, s.backward_calls, s.epoch) for s in watched.steps] == [
        (6, 3, 0), (6, 3, 0), (2, 1, 0), (6, 3, 1), (6, 3, 1), (2, 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("fetched", [iter, ahead])
def test_loaders_that_are_zipped_count_together(watched, fetched):
    run = Training()
    for (x,), (y,) in zip(fetched(rows(9, 3)), fetched(rows(6, 2)), strict=True):
        run.step(torch.cat([x, y]))

    assert [s.samples for s in watched.steps] == [5, 5, 5]


def test_two_optimizers_with_a_loader_each_keep_their_batches(watched):
    one, other = Training(), Training()
    for (x,), (y,) in zip(rows(9, 3), rows(6, 2), strict=True):
        one.step(x)
        other.step(y)

    assert sum(s.samples or 0 for s in watched.steps) == 15
    assert [s.samples for s in watched.steps if s.optimizer == "SGD"] == [5, 5, 5]


@pytest.mark.parametrize("gradients", [True, False])
def test_an_evaluation_within_a_pass_takes_nothing_from_what_was_fetched_ahead(watched, gradients):
    run = Training()
    for number, (x,) in enumerate(ahead(rows(8))):
        run.step(x)
        if number == 1:
            run.net.eval()
            with torch.set_grad_enabled(gradients):
                for (y,) in ahead(rows(9, 3)):
                    with torch.no_grad():
                        nn.functional.mse_loss(run.net(y), torch.zeros(len(y), 1))
            run.net.train()

    assert [s.samples for s in watched.steps] == [2, 2, 2, 2]
    assert (watched.steps[2].evaluation_batches, watched.steps[2].evaluation_samples) == (3, 9)


def test_a_group_fetched_before_the_model_is_in_training_mode_again_is_not_an_evaluation(watched):
    run, loader = Training(), rows(6)
    for (x,) in loader:
        run.backward(x)
    run.step()
    for _ in range(2):
        run.net.eval()
        group = list(loader)
        run.net.train()
        run.step(*(x for (x,) in group))

    assert [(s.samples, s.evaluation_batches) for s in watched.steps] == [(6, None)] * 3


def test_batches_that_are_skipped_do_not_pile_up(watched):
    run = Training()
    for _ in range(2):
        for number, (x,) in enumerate(rows(2 * MOST_AHEAD + 6)):
            if number >= MOST_AHEAD + 1:
                run.step(x)

    assert [s.samples for s in watched.steps] == [2, 2] * 2


def fetch(batch: Any = None, place: int = 2) -> Fetch:
    passes = Passes()
    passes.begin()
    passes.batches = place
    return Fetch(0.001, 2, passes, batch)


def test_no_more_than_a_few_batches_are_kept_alive():
    track, alive = Track(), []
    for _ in range(10):
        batch = [torch.zeros(3)]
        alive.append(weakref.ref(batch[0]))
        track.fetched(1, 0.0, 1.0, fetch(batch))
    del batch
    gc.collect()

    assert [ref() is not None for ref in alive] == [False] * (10 - HELD) + [True] * HELD


def test_a_batch_that_the_program_still_holds_is_known_when_backward_takes_it():
    track = Track()
    batches = [{"x": torch.full((2,), float(i))} for i in range(5)]
    for batch in batches:
        track.fetched(1, 0.0, 1.0, fetch(batch))
    track.backward_begins(2.0, 0.5)

    assert [t.tolist() for t in track.held[0]] == [[0.0, 0.0]]
    assert (track.samples, track.data) == (2, 0.001)


def test_a_loader_whose_batches_only_wait_is_forgotten():
    track = Track()
    track.fetched(1, 0.0, 1.0, fetch())
    track.fetched(1, 0.0, 1.0, fetch())
    for now in (2.0, 3.0):
        track.fetched(2, now, now, fetch())
        track.backward_begins(now, 0.5)

    assert (track.samples, track.pending, bool(track.ahead)) == (6, {}, False)


def test_what_a_pass_leaves_over_is_forgotten_when_the_next_begins():
    track = Track()
    first, second = fetch(), fetch()
    first.trained()
    for one in (first, second):
        track.fetched(1, 0.0, 1.0, one)
    second.trained()
    track.exhausted(1, 1.0)
    assert list(track.pending) == [1]

    track.fetched(2, 2.0, 2.0, fetch(place=1))
    track.backward_begins(3.0, 0.5)
    assert (track.samples, track.pending, bool(track.ahead)) == (2, {}, False)
