"""Real failures, one for each category, made as harmless as they can be; imitated where what they need is missing.

Nothing here imports anything heavy before it is asked to fail.
"""

import json
import socket
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from otel_mldebug.semconv.names import Category


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a category is provoked.

    Attributes:
        category: What is found then.
        what: What is really done, in words.
        fail: Does it; ends with an exception, or leaves a finding of the training behind.
        needs: Packages without which it can only be imitated.
        imitate: Raises an exception of the same kind, made up.
        raises: Whether `fail` ends with an exception.
    """

    category: Category
    what: str
    fail: Callable[[], object]
    needs: tuple[str, ...] = ()
    imitate: Callable[[], object] | None = None
    raises: bool = True

    @property
    def real(self) -> bool:
        """Whether it really happens here, and is not imitated."""
        return all(find_spec(name) is not None for name in self.needs)

    def run(self) -> None:
        """Fail, really where that is possible here.

        Raises:
            Exception: What the failure is.
        """
        if self.real or self.imitate is None:
            self.fail()
        else:
            self.imitate()


def _raising(kind: type[Exception], message: str) -> Callable[[], object]:
    def imitate() -> None:
        raise kind(message)

    return imitate


def _allocate() -> None:
    """Ask for more than any machine can address: refused at once, and nothing is used."""
    if find_spec("torch") is None:
        bytearray(2**62)
        return
    import torch

    torch.empty(2**48, device="cuda" if torch.cuda.is_available() else "cpu")


def _train(broken: Callable[..., Any]) -> None:
    """Train something tiny for some steps; then the loss is `broken` of the weight."""
    import torch

    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.01)
    for step in range(11):
        optimizer.zero_grad()
        loss = broken(weight) if step == 10 else (weight**2).sum()
        loss.backward()
        optimizer.step()


def _lose() -> None:
    _train(lambda weight: (weight - 2).log().sum())


def _gradient() -> None:
    # The root of 0 is 0, and its slope is infinite: the loss stays finite, the gradient does not.
    _train(lambda weight: (weight * 0).sum().sqrt())


def _optimizer() -> None:
    import torch

    torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=-1.0)


def _solve() -> None:
    import torch

    torch.linalg.inv(torch.zeros(2, 2))


def _score() -> None:
    from sklearn.metrics import f1_score

    f1_score([0, 1], [0.2, 0.7])


def _sample() -> None:
    import torch

    torch.multinomial(torch.tensor([float("nan"), 1.0]), 1)


def _multiply() -> None:
    import torch

    torch.nn.Linear(3, 4)(torch.ones(2, 5))


def _load() -> None:
    """Load weights of which only half arrived."""
    import torch

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "model.pt")
        torch.save(torch.nn.Linear(2, 2).state_dict(), path)
        path.write_bytes(path.read_bytes()[:-800])
        torch.load(path)


def _open_archive() -> None:
    zipfile.ZipFile(BytesIO(b"not an archive")).namelist()


def _parse() -> None:
    json.loads("{'learning_rate': 0.1}")


def _connect() -> None:
    """Connect to a port that was free a moment ago: nobody listens there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    socket.create_connection(address, 2).close()


def _wait() -> None:
    """Wait for an answer from somebody who accepts and then says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with socket.create_connection(silent.getsockname(), 0.05) as asking:
            asking.recv(1)


def _join() -> None:
    """Join a group of processes of which nothing is known: any variables of a launcher's are left aside."""
    import os
    from unittest import mock

    import torch.distributed

    kept = {key: value for key, value in os.environ.items() if key not in ("MASTER_ADDR", "RANK", "WORLD_SIZE")}
    with mock.patch.dict(os.environ, kept, clear=True):
        torch.distributed.init_process_group("gloo")


def _import() -> None:
    __import__("mldebug_package_that_is_not_installed")


def _write() -> None:
    """Write to the device that is always full; where there is none, into a directory that does not exist."""
    full = Path("/dev/full")
    if sys.platform.startswith("linux") and full.exists():
        full.write_text("x")
    else:
        Path("directory-that-does-not-exist", "checkpoint.pt").write_text("x")


class OddError(Exception):
    """An exception that no rule knows."""


FAILURES: tuple[Failure, ...] = (
    Failure(category=Category.MEMORY, what="allocates a petabyte, which is refused at once", fail=_allocate),
    Failure(
        category=Category.GRADIENT,
        what="trains, and differentiates the square root of 0",
        fail=_gradient,
        needs=("torch",),
        imitate=_raising(RuntimeError, "Trying to backward through the graph a second time"),
        raises=False,
    ),
    Failure(
        category=Category.LOSS,
        what="trains, and takes the logarithm of -1: the loss becomes NaN",
        fail=_lose,
        needs=("torch",),
        imitate=_raising(IndexError, "Target 5 is out of bounds."),
        raises=False,
    ),
    Failure(
        category=Category.OPTIMIZATION,
        what="makes an optimizer with a negative learning rate",
        fail=_optimizer,
        needs=("torch",),
        imitate=_raising(ValueError, "Invalid learning rate: -1.0"),
    ),
    Failure(
        category=Category.TRAINING,
        what="inverts a matrix that has no inverse",
        fail=_solve,
        needs=("torch",),
        imitate=_raising(
            RuntimeError,
            "linalg.inv: The diagonal element 1 is zero, the inversion could not be completed because the input "
            "matrix is singular.",
        ),
    ),
    Failure(
        category=Category.EVALUATION,
        what="scores probabilities with a metric for labels",
        fail=_score,
        needs=("sklearn",),
        imitate=_raising(ValueError, "Classification metrics can't handle a mix of binary and continuous targets"),
    ),
    Failure(
        category=Category.INFERENCE,
        what="samples from probabilities of which one is NaN",
        fail=_sample,
        needs=("torch",),
        imitate=_raising(RuntimeError, "probability tensor contains either `inf`, `nan` or element < 0"),
    ),
    Failure(
        category=Category.MODEL,
        what="feeds a layer rows of 5 values where it takes 3",
        fail=_multiply,
        needs=("torch",),
        imitate=_raising(RuntimeError, "mat1 and mat2 shapes cannot be multiplied (2x5 and 3x4)"),
    ),
    Failure(
        category=Category.MODEL_LOADING,
        what="loads a file of weights that is cut off",
        fail=_load,
        needs=("torch",),
        imitate=_raising(
            RuntimeError, "PytorchStreamReader failed reading zip archive: failed finding central directory"
        ),
    ),
    Failure(category=Category.DATA, what="opens an archive that is none", fail=_open_archive),
    Failure(category=Category.INPUT_VALIDATION, what="parses JSON with the wrong quotes", fail=_parse),
    Failure(category=Category.NETWORK, what="connects to a port of this machine where nobody listens", fail=_connect),
    Failure(category=Category.TIMEOUT, what="waits 50 ms for an answer that never comes", fail=_wait),
    Failure(
        category=Category.DISTRIBUTED,
        what="joins a process group without an address",
        fail=_join,
        needs=("torch",),
        imitate=_raising(
            ValueError, "Default process group has not been initialized, please make sure to call init_process_group."
        ),
    ),
    Failure(category=Category.DEPENDENCY, what="imports a package that is not installed", fail=_import),
    Failure(category=Category.SYSTEM, what="writes to a disk that is full (/dev/full)", fail=_write),
    Failure(
        category=Category.UNKNOWN,
        what="raises an error that no rule knows",
        fail=_raising(OddError, "the frobnicator is out of phase"),
    ),
)
"""In the order of the categories."""
