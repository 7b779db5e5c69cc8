"""Tokens that a marked step is said to have: in the record and the count, in place of those that were seen."""

from collections.abc import Iterator

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from otel_mldebug import recorder  # noqa: E402
from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training import progress  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def plain(seen) -> Iterator[StepRecorder]:
    """A recorder of a program without PyTorch."""
    found = StepRecorder(budget=Budget(1000.0))
    progress.follow(found, None)
    yield found
    progress.follow(None, None)


def test_tokens_are_recorded_and_counted_without_any_framework(seen, plain):
    for number in range(3):
        with recorder("lm").step(samples=2, tokens=100 + number) as step:
            step.set(loss=1.0)

    plain.finish()
    assert [s.tokens for s in seen.steps] == [100, 101, 102]
    assert plain.cell("lm").tokens == 303


def test_steps_that_do_not_say_have_none(seen, plain):
    with recorder().step(loss=1.0):
        pass
    plain.finish()

    assert [s.tokens for s in seen.steps] == [None]


@pytest.mark.parametrize(("said", "expected"), [({"tokens": 7}, 7), ({}, 24)])
def test_what_is_said_wins_over_what_the_batches_show(watched, said, expected):
    net = nn.Embedding(10, 4)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for batch in DataLoader(torch.zeros(8, 6, dtype=torch.long), batch_size=4):
        with recorder().step(**said):
            optimizer.zero_grad()
            net(batch).square().mean().backward()
            optimizer.step()

    assert [s.tokens for s in watched.steps] == [expected, expected]


def test_what_is_no_number_is_left_out_with_a_word(seen, plain, caplog):
    with recorder().step(tokens="many"):
        pass
    plain.finish()

    assert [s.tokens for s in seen.steps] == [None]
    assert "the tokens given is a str and not one number" in caplog.records[0].getMessage()
