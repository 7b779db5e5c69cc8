"""Do two runs with the same seed agree, and if not, where do they part?"""

import random
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from otel_mldebug.checks.failed import RunsDiffer
from otel_mldebug.instrument.training.debugging.hooks import Hook
from otel_mldebug.instrument.training.debugging.tensors import each, usable
from otel_mldebug.instrument.training.tensors.layers import plain

MOST_CALLS = 100_000
"""Calls of layers that are kept of one run."""


def two_runs_agree(run: Callable[[], Any], *, seed: int = 0, tolerance: float = 0.0) -> None:
    """Call `run` twice with the same seeds and check that both return the same, bit by bit.

    Where they do not, the first call of a layer whose input or output differs is named. The program's own random state
    is as before afterwards.

    Args:
        run: Makes everything anew (model, data, optimizer), trains a few steps, and returns what has to agree: numbers,
            tensors, lists and dicts of them, or a module, whose parameters then count.
        seed: For `random`, NumPy and PyTorch.
        tolerance: Absolute difference of numbers that is allowed.

    Raises:
        RunsDiffer: they do not agree.
    """
    import torch

    results, traces = [], []
    for _ in range(2):
        with _seeded(torch, seed), _traced(torch) as trace:
            results.append(list(_flat(torch, run(), "result")))
        traces.append(trace)
    if (fault := _unlike(torch, results[0], results[1], tolerance)) is None:
        return
    raise RunsDiffer(f"Two runs with seed {seed} differ: {fault}.\n{_parting(*traces)}")


def _parting(first: list[tuple[str, Any]], second: list[tuple[str, Any]]) -> str:
    """Return where two traces part, and what that says."""
    for place, ((what, a), (other, b)) in enumerate(zip(first, second, strict=False)):
        if what != other:
            return f"They part after {place} calls of layers: one goes on with {what}, the other with {other}."
        if a != b:
            return f"The first difference is the {what}. {_meaning(what)}"
    if len(first) != len(second):
        return f"They part at the end: one calls layers {len(first)} times, the other {len(second)} times."
    if not first:
        return "No layer of PyTorch was called, so the place is not known."
    return (
        "All forward passes agree: the difference comes from backward, from the optimizer or from what is computed "
        "outside of layers. Try torch.use_deterministic_algorithms(True)."
    )


def _meaning(what: str) -> str:
    if what.startswith("input"):
        return (
            "So it is the data, or what was done to them or to the layers before: order, augmentation, workers of a "
            "DataLoader without a generator or worker_init_fn of their own."
        )
    return (
        "Its input agrees: so it is the layer, by its weights, by random numbers with a generator of their own, or by "
        "an operation that is not deterministic. Try torch.use_deterministic_algorithms(True)."
    )


@contextmanager
def _seeded(torch: Any, seed: int) -> Iterator[None]:
    numpy = sys.modules.get("numpy")
    state, state_np = random.getstate(), numpy.random.get_state() if numpy is not None else None
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices):
            random.seed(seed)
            if numpy is not None:
                numpy.random.seed(seed % 2**32)
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(state)
        if numpy is not None:
            numpy.random.set_state(state_np)


@contextmanager
def _traced(torch: Any) -> Iterator[list[tuple[str, Any]]]:
    """Keep digests of what goes into and out of every layer that is called meanwhile, with its name."""
    trace: list[tuple[str, Any]] = []
    names: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
    local = threading.local()
    modules = torch.nn.modules.module
    counts: dict[str, int] = {}

    def note(what: str, value: Any) -> None:
        if len(trace) < MOST_CALLS and usable(torch):
            trace.append((what, tuple(_digest(torch, t) for _, t in each(torch, value, ""))))

    def before(module: Any, args: Any) -> None:
        depth = local.__dict__.setdefault("depth", 0)
        if not depth and module not in names:
            kind = type(module).__name__
            names.update({m: f"{kind}.{plain(n)}" if n else kind for n, m in module.named_modules()})
        local.depth = depth + 1
        name = names.get(module, type(module).__name__)
        counts[name] = counts.get(name, -1) + 1
        note(f"input of {name} in its call {counts[name]}", args)

    def after(module: Any, _: Any, output: Any) -> None:
        local.depth = max(0, local.depth - 1)
        name = names.get(module, type(module).__name__)
        note(f"output of {name} in its call {counts.get(name, 0)}", output)

    doing = "note what a layer computes"
    handles = [
        modules.register_module_forward_pre_hook(Hook(torch, before, doing)),
        modules.register_module_forward_hook(Hook(torch, after, doing)),
    ]
    try:
        yield trace
    finally:
        for handle in handles:
            handle.remove()


def _digest(torch: Any, tensor: Any) -> Any:
    """Return what is the same for equal bits, and almost surely different for others."""
    if tensor.is_meta or tensor.is_nested or tensor.is_quantized:
        return tuple(tensor.shape)
    dense = tensor.detach()
    dense = dense.to_dense() if dense.layout is not torch.strided else dense
    dense = torch.view_as_real(dense.resolve_conj()) if dense.is_complex() else dense
    raw = dense.cpu().contiguous().reshape(-1).view(torch.uint8).long()
    place = torch.arange(1, raw.numel() + 1)
    return tuple(tensor.shape), int((raw * place).sum()), int((raw * place * place % 1_000_003).sum())


def _flat(torch: Any, value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the numbers and tensors of a result with their place in it."""
    if isinstance(value, torch.nn.Module):
        value = value.state_dict()
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _flat(torch, one, f"{name}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for place, one in enumerate(value):
            yield from _flat(torch, one, f"{name}[{place}]")
    else:
        yield name, value.detach().cpu().clone() if isinstance(value, torch.Tensor) else value


def _unlike(torch: Any, first: list[Any], second: list[Any], tolerance: float) -> str | None:
    if [name for name, _ in first] != [name for name, _ in second]:
        return f"the first returns {len(first)} values, the second {len(second)}, or in other places"
    for (name, a), (_, b) in zip(first, second, strict=True):
        if fault := _gap(torch, a, b, tolerance):
            return f"{name} {fault}"
    return None


def _gap(torch: Any, a: Any, b: Any, tolerance: float) -> str:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"is {tuple(a.shape)} of {a.dtype} and {tuple(b.shape)} of {b.dtype}"
        same = (a == b) | ((a != a) & (b != b))
        if bool(same.all()):
            return ""
        largest = float((a.double() - b.double()).abs()[~same].max())
        return f"differs by up to {largest:.3g}" if not largest <= tolerance else ""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        equal = a == b or (a != a and b != b) or abs(a - b) <= tolerance
        return "" if equal else f"is {a!r} and {b!r}"
    return "" if type(a) is type(b) and repr(a) == repr(b) else f"is {a!r:.80} and {b!r:.80}"
