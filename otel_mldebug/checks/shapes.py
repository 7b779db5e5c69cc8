"""Do outputs have the right shape, whatever the batch size?"""

from collections.abc import Callable, Sequence
from typing import Any

from otel_mldebug.checks.failed import WrongOutputShape
from otel_mldebug.checks.inputs import call, untouched
from otel_mldebug.instrument.training.debugging.tensors import each
from otel_mldebug.rules.contracts import fits, spell

Expected = Sequence[int | None] | Callable[[int], Sequence[int | None]]


def output_shapes(
    model: Any,
    make_input: Callable[[int], Any],
    *,
    expected: Expected,
    batch_sizes: Sequence[int] = (1, 4, 8),
    training: bool = False,
) -> None:
    """Check that the (first) output of `model` has the shape expected, for several batch sizes.

    Buffers, modes and random numbers are as before afterwards.

    Args:
        model: A module of PyTorch, or any callable.
        make_input: Returns what it is called with for a batch size: one value, or a tuple or dict of arguments.
        expected: The shape: a first size of None stands for the batch size, others for any size: `(None, 10)`. Or a
            function that returns it for a batch size.
        batch_sizes: Those that are tried. 1 finds squeezes, others find fixed sizes.
        training: Mode that the model is in meanwhile. Batch normalisation cannot train on one sample.

    Raises:
        WrongOutputShape: for at least one batch size it has another shape, or the call raised.
    """
    import torch

    models = [model] if isinstance(model, torch.nn.Module) else []
    faults: list[str] = []
    first: BaseException | None = None
    with untouched(torch, *models, training=training), torch.no_grad():
        for size in batch_sizes:
            try:
                output = call(model, make_input(size))
            except Exception as exc:  # noqa: BLE001  (whatever a model raises is what is looked for)
                first = first or exc
                faults.append(f"  batch size {size}: {type(exc).__name__}: {str(exc).strip()[:300]}")
                continue
            if fault := _fault(torch, output, _expected(expected, size)):
                faults.append(f"  batch size {size}: {fault}")
    if faults:
        name = type(model).__name__ if models else getattr(model, "__name__", type(model).__name__)
        raise WrongOutputShape(
            "\n".join([f"Outputs of {name} for batch sizes {list(batch_sizes)}:", *faults])
        ) from first


def _expected(expected: Expected, size: int) -> tuple[int | None, ...]:
    if callable(expected):
        return tuple(expected(size))
    shape = tuple(expected)
    return (size, *shape[1:]) if shape and shape[0] is None else shape


def _fault(torch: Any, output: Any, expected: tuple[int | None, ...]) -> str:
    for _, tensor in each(torch, output, "output"):
        shape = tuple(tensor.shape)
        return "" if fits(shape, expected) else f"shape {spell(shape)}, expected {spell(expected)}"
    return f"no tensor in its output, which is a {type(output).__name__}"
