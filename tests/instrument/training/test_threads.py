"""Programs that train in several threads at once."""

import threading
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.steps.track import NOBODY  # noqa: E402
from otel_mldebug.instrument.training.steps.tracks import Tracks  # noqa: E402


def loss_of(net: Any) -> Any:
    return nn.functional.cross_entropy(net(torch.randn(4, 4)), torch.randint(0, 2, (4,)))


def test_threads_do_not_mix_their_steps(watched):
    ready = threading.Barrier(2)
    expected: dict[str, list[float]] = {}

    def train(kind: Any) -> None:
        net = nn.Linear(4, 2)
        opt = kind(net.parameters(), 0.01)
        ready.wait()
        for _ in range(20):
            opt.zero_grad()
            loss = loss_of(net)
            loss.backward()
            expected.setdefault(kind.__name__, []).append(loss.item())
            opt.step()

    threads = [threading.Thread(target=train, args=(kind,)) for kind in (torch.optim.SGD, torch.optim.Adam)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    got = {name: [s.loss for s in watched.steps if s.optimizer == name] for name in expected}
    assert got == expected


def test_only_optimizers_of_the_thread_itself_are_those_whose_gradients_may_be_read(watched):
    def train() -> Any:
        net = nn.Linear(4, 2)
        opt = torch.optim.SGD(net.parameters(), 0.01)
        for _ in range(3):
            opt.zero_grad()
            loss_of(net).backward()
            opt.step()
        return opt

    elsewhere: list[Any] = []
    thread = threading.Thread(target=lambda: elsewhere.append(train()))
    thread.start()
    thread.join()
    here = train()

    installed = pytorch.installation()
    assert installed is not None
    register = installed.watch.optimizers
    assert register.of_thread() == [here]
    assert register.optimizers() == [*elsewhere, here]


def test_a_track_belongs_to_nobody_once_its_thread_has_ended():
    tracks = Tracks()
    owners: list[int] = []

    def run() -> None:
        tracks.lit = tracks.track
        owners.extend((tracks.lit.owner, threading.get_ident()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert owners[0] == owners[1]
    assert tracks.lit.owner == NOBODY, "the next thread may get its identity, and must not get its losses"
    assert tracks.track is not tracks.lit
