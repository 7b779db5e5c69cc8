"""Random generators that all workers of a loader get a copy of, told from the code of data sets."""

import random
import warnings

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from otel_mldebug.instrument.training.hooks.generators import copied_generator

shared = np.random.default_rng(0)


class Own(Dataset):
    """Draws from a generator that it was made with, in a method of its own."""

    def __init__(self, generator=None):
        self.rng = generator if generator is not None else np.random.RandomState(0)

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.tensor(index + self.noise())

    def noise(self):
        return float(self.rng.random())


class Global(Own):
    def __getitem__(self, index):
        return torch.tensor(index + shared.normal())


class Stream(IterableDataset):
    def __init__(self):
        self.rng = random.Random(0)

    def __iter__(self):
        for _ in range(4):
            yield torch.tensor(self.rng.random())


class Once(Own):
    """Draws when it is made, and never again."""

    def __init__(self):
        super().__init__()
        self.noises = self.rng.random(8)

    def __getitem__(self, index):
        return torch.tensor(index + self.noises[index])


class ByWorker(Own):
    def __getitem__(self, index):
        rng = np.random.default_rng(torch.utils.data.get_worker_info().seed)
        return torch.tensor(index + rng.random() + self.noise())


class Library(Own):
    """Draws from what PyTorch gives a seed in each worker."""

    def __getitem__(self, index):
        return torch.tensor(index + np.random.rand() + random.random())


class Jitter:
    def __init__(self):
        self.generator = np.random.default_rng(1)

    def __call__(self, value):
        return value + self.generator.normal()


class Transformed(Library):
    def __init__(self):
        self.transform = Jitter()


def same_seed(worker):
    np.random.seed(42)


def own_seed(worker):
    np.random.seed(42 + worker)


def torch_seed(worker):
    np.random.seed(torch.initial_seed() % 2**32)


def no_seed(worker):
    torch.set_num_threads(1)


def loading(data, workers=2, begin=None):
    """Return a loader with so many workers, on any machine: PyTorch warns of more than there are processors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return DataLoader(data, num_workers=workers, worker_init_fn=begin)


@pytest.mark.parametrize(
    ("loader", "told"),
    [
        pytest.param(loading(Own()), "Own.rng", id="an attribute"),
        pytest.param(loading(Own(np.random.default_rng(0))), "Own.rng", id="a new generator"),
        pytest.param(loading(Subset(Own(), [0, 1])), "Own.rng", id="a subset"),
        pytest.param(loading(Stream()), "Stream.rng", id="a stream"),
        pytest.param(loading(Transformed()), "Jitter.generator", id="a transform"),
        pytest.param(loading(Global()), "the global shared", id="a global one"),
        pytest.param(
            loading(Library(), begin=same_seed),
            "worker_init_fn, which seeds each worker alike",
            id="one seed for all",
        ),
    ],
)
def test_what_all_workers_have_a_copy_of_is_named(loader, told):
    assert copied_generator(loader) == told


@pytest.mark.parametrize(
    "loader",
    [
        pytest.param(loading(Own(), 0), id="no workers"),
        pytest.param(loading(Own(), 1), id="one worker"),
        pytest.param(loading(Once()), id="drawn before"),
        pytest.param(loading(ByWorker()), id="seeded by the worker"),
        pytest.param(loading(Library()), id="numpy.random and random themselves"),
        pytest.param(loading(Library(), begin=own_seed), id="a seed for each"),
        pytest.param(loading(Library(), begin=torch_seed), id="a seed of PyTorch's"),
        pytest.param(loading(Library(), begin=no_seed), id="another first function"),
        pytest.param(loading(Own(), begin=own_seed), id="may give it another state"),
        pytest.param(loading([1, 2, 3]), id="a list"),
        pytest.param(object(), id="no loader at all"),
    ],
)
def test_other_loaders(loader):
    assert copied_generator(loader) == ""
