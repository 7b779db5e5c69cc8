"""What watching costs a training step: the same steps with and without our hooks, in turn, in one process.

Everything is in place as in a user's run: the local store, spans, metrics, detectors. Only the hooks in PyTorch are
switched between the blocks, so that all that runs beside training runs in both, and what is done once is done before.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.timing import difference, median, ratio
from otel_mldebug.instrument.training import options
from otel_mldebug.instrument.training.hooks import pytorch

Step = Callable[[], None]
SAMPLED = 50
"""Steps between two looks where layers are sampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One program.

    Attributes:
        name: Of its figures.
        make: Returns a function that does one training step.
        block: Steps between two switches, enough of them for everything that is not done at each step.
        rounds: Blocks of each kind when it has to be quick; four times as many otherwise.
        limit: Ratio that we promise.
        note: Model, batch and optimizer, exactly.
        layers: Ratio that we promise with a look at every layer each 50 steps; None where we promise none.
    """

    name: str
    make: Callable[[Any], Step]
    block: int
    rounds: int
    limit: float
    note: str
    layers: float | None = None


def _step(torch: Any, net: Any, optimizer: Any, loss: Callable[[], Any]) -> Step:
    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def transformer(torch: Any) -> Step:
    """Return a step of a transformer of 10.2 M parameters: 4 layers, width 384, 6 heads, vocabulary 8000."""
    nn = torch.nn
    embed = nn.Embedding(8000, 384)
    layer = nn.TransformerEncoderLayer(384, 6, 1536, dropout=0.1, batch_first=True)
    body = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    net = nn.ModuleList([embed, body])
    tokens = torch.randint(0, 8000, (4, 64))

    def loss() -> Any:
        logits = body(embed(tokens)) @ embed.weight.t()
        return nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten())

    return _step(torch, net, torch.optim.AdamW(net.parameters(), 1e-4), loss)


def mlp(torch: Any) -> Step:
    """Return a step of an MLP of 200 tensors: 100 linear layers of width 64, with residual connections."""
    nn = torch.nn
    layers = nn.ModuleList([nn.Linear(64, 64) for _ in range(100)])
    x, y = torch.randn(32, 64), torch.randn(32, 64)

    def loss() -> Any:
        hidden = x
        for layer in layers:
            hidden = hidden + 0.1 * torch.tanh(layer(hidden))
        return nn.functional.mse_loss(hidden, y)

    return _step(torch, layers, torch.optim.AdamW(layers.parameters(), 1e-4), loss)


def cnn(torch: Any) -> Step:
    """Return a step of a CNN of three convolutions on 32 images of 3 x 32 x 32, out of a DataLoader."""
    nn, data = torch.nn, torch.utils.data
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    loader = data.DataLoader(
        data.TensorDataset(torch.randn(640, 3, 32, 32), torch.randint(0, 10, (640,))), batch_size=32, shuffle=True
    )

    def endless() -> Iterator[Any]:
        while True:
            yield from loader

    batches = endless()

    def loss() -> Any:
        x, y = next(batches)
        return nn.functional.cross_entropy(net(x), y)

    return _step(torch, net, torch.optim.SGD(net.parameters(), 0.01, momentum=0.9), loss)


def tiny(torch: Any) -> Step:
    """Return a step well below a millisecond: three linear layers of width 64, batch of 64."""
    nn = torch.nn
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    x, y = torch.randn(64, 64), torch.randint(0, 10, (64,))
    return _step(torch, net, torch.optim.AdamW(net.parameters(), 1e-3), lambda: nn.functional.cross_entropy(net(x), y))


WORKLOADS = (
    Workload(
        name="transformer", make=transformer, rounds=8, block=5, limit=1.01, layers=1.02,
        note="10.2 M parameters, 4 layers, width 384, batch 4 x 64 tokens, AdamW, no loader",
    ),
    Workload(
        name="mlp", make=mlp, rounds=25, block=30, limit=1.03, layers=1.05,
        note="200 tensors, 100 residual layers of width 64, batch 32, AdamW, no loader",
    ),
    Workload(
        name="cnn", make=cnn, rounds=25, block=20, limit=1.01, layers=1.02,
        note="3 convolutions, 32 images of 3 x 32 x 32, SGD with momentum, DataLoader",
    ),
    Workload(
        name="tiny", make=tiny, rounds=120, block=100, limit=1.03,
        note="3 linear layers, width 64, batch 64, AdamW, no loader: budget 2 % + 1 point",
    ),
)  # fmt: skip


class Switch:
    """Takes our hooks out of the training path and puts them back, without installing anew.

    Args:
        torch: The module.
    """

    def __init__(self, torch: Any) -> None:
        loader = torch.utils.data.dataloader._BaseDataLoaderIter
        optimizers = sys.modules["torch.optim.optimizer"]
        self._places = ((torch.autograd, "backward"), (loader, "__next__"))
        self._hooks = (optimizers._global_optimizer_pre_hooks, optimizers._global_optimizer_post_hooks)
        before = [getattr(owner, name) for owner, name in self._places]
        pytorch.uninstall()
        pytorch.install(torch)
        after = [getattr(owner, name) for owner, name in self._places]
        self._values = {"off": before, "on": after}
        self._installed = [dict(hooks) for hooks in self._hooks]

    def __call__(self, state: str) -> None:
        """Switch to `on` or `off`."""
        for (owner, name), value in zip(self._places, self._values[state], strict=True):
            setattr(owner, name, value)
        for hooks, ours in zip(self._hooks, self._installed, strict=True):
            hooks.clear()
            if state == "on":
                hooks.update(ours)
        installed = pytorch.installation()
        if installed is not None:
            installed.recorder.tracks.track.begin(time.perf_counter())


def paired(torch: Any, step: Step, block: int, repeats: int) -> dict[str, list[float]]:
    """Return processor seconds of blocks of `block` steps, with our hooks (`on`) and without (`off`), in turn."""
    times: dict[str, list[float]] = {"on": [], "off": []}
    switch = Switch(torch)
    switch("on")
    for _ in range(max(10, min(1000, 5 * block))):
        step()
    gc.collect()
    for round_ in range(repeats):
        for name in ("on", "off") if round_ % 2 else ("off", "on"):
            switch(name)
            step()
            started_s = time.process_time()
            for _ in range(block):
                step()
            times[name].append(time.process_time() - started_s)
    switch("on")
    pytorch.uninstall()
    return times


def sampled(torch: Any, work: Workload, *, quick: bool) -> Figure:
    """Return the ratio with a look at every layer each 50 steps. Blocks are as long, so that each has one look."""
    options.use(options.Options(layers=SAMPLED))
    try:
        times = paired(
            torch, work.make(torch), SAMPLED, max(4, work.rounds * work.block // SAMPLED) * (1 if quick else 4)
        )
    finally:
        options.use(options.Options())
    note = f"{work.note}; a look at every layer each {SAMPLED} steps"
    return ratio(f"steps.{work.name}.layers.ratio", times["on"], times["off"], limit=work.layers, note=note)


def measure(quick: bool) -> Iterable[Figure]:
    """Yield the ratio of each workload, and for the tiny one the time by step as well."""
    import torch

    import otel_mldebug

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        otel_mldebug.configure(store=Path(directory), resources=False)
        try:
            for work in WORKLOADS:
                torch.manual_seed(0)
                step = work.make(torch)
                times = paired(torch, step, work.block, work.rounds * (1 if quick else 4))
                note = f"{work.note}; {median(times['off']) / work.block * 1e3:.3g} ms a step"
                yield ratio(f"steps.{work.name}.ratio", times["on"], times["off"], limit=work.limit, note=note)
                yield difference(f"steps.{work.name}.cost", times["on"], times["off"], calls=work.block)
                if work.layers is not None:
                    yield sampled(torch, work, quick=quick)
        finally:
            otel_mldebug.shutdown()
