"""Batches of every kind are counted for the step that they are for."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from otel_mldebug.instrument.training.hooks import loaders  # noqa: E402


def test_batches_that_are_dicts_of_tensors_are_counted(watched):
    net = nn.Linear(4, 1)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for batch in DataLoader([{"x": torch.ones(4), "y": torch.ones(4)} for _ in range(6)], batch_size=3):
        net(batch["x"]).mean().backward()
        opt.step()
        opt.zero_grad()

    assert [(s.samples, s.epoch) for s in watched.steps] == [(3, 0), (3, 0)]


def test_the_last_batch_of_an_evaluation_that_counts_its_batches_is_not_for_training(watched):
    net = nn.Linear(4, 1)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    train, other = (DataLoader(TensorDataset(torch.ones(rows, 4)), batch_size=2) for rows in (4, 6))
    for _ in range(2):
        for (x,) in train:
            net(x).mean().backward()
            opt.step()
            opt.zero_grad()
        batches = iter(other)
        with torch.no_grad():
            for _ in range(3):  # and never asks for a fourth
                net(*next(batches))

    assert [s.samples for s in watched.steps] == [2, 2, 2, 2]


def trained_on(net, opt, loader):
    for (x,) in loader:
        net(x).mean().backward()
        opt.step()
        opt.zero_grad()


def test_a_loader_that_is_made_anew_for_each_pass_has_passes_all_the_same(watched):
    net = nn.Linear(4, 1)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    rows = torch.ones(4, 4)
    for _ in range(3):
        for (x,) in DataLoader(TensorDataset(rows), batch_size=2):
            net(x).mean().backward()
            opt.step()
            opt.zero_grad()

    assert [s.epoch for s in watched.steps] == [0, 0, 1, 1, 2, 2]


def test_loaders_of_other_data_have_passes_of_their_own(watched):
    net = nn.Linear(4, 1)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    first, second = torch.ones(4, 4), torch.ones(4, 4)
    for rows in (first, second, first):
        trained_on(net, opt, DataLoader(TensorDataset(rows), batch_size=2))

    assert [s.epoch for s in watched.steps] == [0, 0, 0, 0, 1, 1]


def test_a_further_training_with_several_passes_over_the_same_data_begins_anew(watched):
    net = nn.Linear(4, 1)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    rows = torch.ones(4, 4)
    for _ in range(2):
        loader = DataLoader(TensorDataset(rows), batch_size=2)
        for _ in range(2):
            trained_on(net, opt, loader)

    assert [s.epoch for s in watched.steps] == [0, 0, 1, 1, 0, 0, 1, 1]


@pytest.mark.parametrize(("kept", "known"), [(True, True), (False, False)])
def test_data_that_is_gone_is_not_taken_for_what_has_its_address_now(kept, known):
    data = torch.ones(3)
    reference = loaders._ref(data)
    other = data if kept else torch.ones(3)

    assert loaders._is(reference, other) is known


def test_plain_lists_of_samples_are_known_by_their_identity(watched):
    net = nn.Linear(4, 1)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    samples = [torch.ones(4) for _ in range(4)]
    for _ in range(3):
        for x in DataLoader(samples, batch_size=2):
            net(x).mean().backward()
            opt.step()
            opt.zero_grad()

    assert [s.epoch for s in watched.steps] == [0, 0, 1, 1, 2, 2]
