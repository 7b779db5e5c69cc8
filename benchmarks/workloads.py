"""Training programs that are measured: what each does in one step."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Program:
    """One that is ready to run.

    Attributes:
        step: Does one training step.
        net: The model.
    """

    step: Step
    net: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One program.

    Attributes:
        name: Of its figures.
        make: Returns the program.
        block: Steps that are taken together, enough of them for everything that is not done at each step.
        run: Steps between two switches. A single long step has the caches for itself, as in a run with hooks alone.
        rounds: Such blocks when it has to be quick; four times as many otherwise.
        limit: Ratio that we promise.
        note: Model, batch and optimizer, exactly.
        layers: Ratio that we promise with a look at every layer each 50 steps; None where we promise none.
        peers: Whether it is also measured with what people would use instead, also when it has to be quick.
    """

    name: str
    make: Callable[[Any], Program]
    block: int
    rounds: int
    limit: float
    note: str
    run: int = 1
    layers: float | None = None
    peers: bool = True


def _program(net: Any, optimizer: Any, loss: Callable[[], Any]) -> Program:
    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return Program(step, net)


def transformer(torch: Any) -> Program:
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

    return _program(net, torch.optim.AdamW(net.parameters(), 1e-4), loss)


def mlp(torch: Any) -> Program:
    """Return a step of an MLP of 200 tensors: 100 linear layers of width 64, with residual connections."""
    nn = torch.nn
    layers = nn.ModuleList([nn.Linear(64, 64) for _ in range(100)])
    x, y = torch.randn(32, 64), torch.randn(32, 64)

    def loss() -> Any:
        hidden = x
        for layer in layers:
            hidden = hidden + 0.1 * torch.tanh(layer(hidden))
        return nn.functional.mse_loss(hidden, y)

    return _program(layers, torch.optim.AdamW(layers.parameters(), 1e-4), loss)


def cnn(torch: Any) -> Program:
    """Return a step of a CNN of three convolutions on 32 images of 3 x 32 x 32, out of a DataLoader."""
    nn, data = torch.nn, torch.utils.data
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    images = torch.randn(640, 3, 32, 32)
    labels = (images[:, :, :16].mean((1, 2, 3)) > images[:, :, 16:].mean((1, 2, 3))).long()  # something to learn
    loader = data.DataLoader(data.TensorDataset(images, labels), batch_size=32, shuffle=True)

    def endless() -> Iterator[Any]:
        while True:
            yield from loader

    batches = endless()

    def loss() -> Any:
        x, y = next(batches)
        return nn.functional.cross_entropy(net(x), y)

    return _program(net, torch.optim.SGD(net.parameters(), 0.01, momentum=0.9), loss)


def tiny(torch: Any) -> Program:
    """Return a step well below a millisecond: three linear layers of width 64, batch of 64."""
    return _tiny(torch, lambda net: net)


def compiled(torch: Any) -> Program:
    """Return the same with the model compiled, which has happened already."""
    return _tiny(torch, torch.compile)


def _tiny(torch: Any, prepare: Callable[[Any], Any]) -> Program:
    nn = torch.nn
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    x, y = torch.randn(64, 64), torch.randint(0, 10, (64,))
    model = prepare(net)
    program = _program(net, torch.optim.AdamW(net.parameters(), 1e-3), lambda: nn.functional.cross_entropy(model(x), y))
    program.step()
    return program


WORKLOADS = (
    Workload(
        name="transformer", make=transformer, rounds=16, block=5, limit=1.01, layers=1.02,
        note="10.2 M parameters, 4 layers, width 384, batch 4 x 64 tokens, AdamW, no loader", peers=False,
    ),
    Workload(
        name="mlp", make=mlp, rounds=40, block=30, limit=1.03, layers=1.05,
        note="200 tensors, 100 residual layers of width 64, batch 32, AdamW, no loader",
    ),
    Workload(
        name="cnn", make=cnn, rounds=50, block=20, limit=1.01, layers=1.02,
        note="3 convolutions, 32 images of 3 x 32 x 32, SGD with momentum, DataLoader",
    ),
    Workload(
        name="tiny", make=tiny, rounds=240, block=100, run=10, limit=1.03,
        note="3 linear layers, width 64, batch 64, AdamW, no loader: budget 2 % + 1 point",
    ),
    Workload(
        name="compiled", make=compiled, rounds=120, block=100, run=10, limit=1.03, peers=False,
        note="the same with torch.compile around the model",
    ),
)  # fmt: skip
