"""What there is more and more of: graphs that are kept, and graphs that only get larger."""

import gc

import pytest

torch = pytest.importorskip("torch")

from otel_mldebug.instrument.training.steps.memory import Census, Growth  # noqa: E402
from otel_mldebug.rules.course import Course  # noqa: E402

WIDTH = 7


class Program:
    """A program that trains one layer, and keeps what a test says."""

    def __init__(self):
        self.layer = torch.nn.Linear(WIDTH, WIDTH)
        self.kept = []
        self.total = torch.zeros(())
        self.loss = None

    def step(self, length=3):
        out = torch.ones(2, WIDTH)
        for _ in range(length):
            out = torch.tanh(self.layer(out))
        self.loss = out.sum()
        self.loss.backward()


def sums_up(program, step):
    program.step()
    program.total = program.total + program.loss


def collects(program, step):
    program.step()
    program.kept.append(program.loss)


def carries_on(program, step):
    program.step()
    program.total = torch.tanh(program.total + program.layer(torch.ones(2, WIDTH)).mean())


def grows_longer(program, step):
    program.step(length=3 + step)


def keeps_numbers(program, step):
    program.step()
    program.kept.append(program.loss.detach())


def keeps_the_latest(program, step):
    collects(program, step)
    del program.kept[:-5]


def counted(train):
    gc.collect()
    program = Program()
    for step in range(10):
        train(program, step)
    first = Census(torch.Tensor, 10)
    for step in range(10, 34):
        train(program, step)
    return first.growth(Census(torch.Tensor, 34, first))


@pytest.mark.parametrize("train", [sums_up, collects, carries_on])
def test_graphs_that_are_kept_are_found(train):
    words, graphs = counted(train)

    assert graphs
    assert "graph" in words


@pytest.mark.parametrize("train", [grows_longer, keeps_numbers, keeps_the_latest])
def test_graphs_that_are_let_go_are_none_of_them(train):
    words, graphs = counted(train)

    assert not graphs
    assert "graph" not in words


def test_numbers_that_are_kept_are_counted_all_the_same():
    assert counted(keeps_numbers)[0].startswith("24 tensors of a single value")


@pytest.mark.parametrize(("train", "graphs"), [(sums_up, True), (grows_longer, False)])
def test_a_course_is_told_whether_graphs_are_kept_once_memory_grows(train, graphs):
    used = iter(range(0, 1 << 40, 1 << 20))
    growth, course, program = Growth(torch.Tensor, lambda: next(used)), Course(), Program()
    for step in range(0, 8 * 24, 8):
        train(program, step)
        growth.sample(course, step)

    assert course.graphs is graphs
