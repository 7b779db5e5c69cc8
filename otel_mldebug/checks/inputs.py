"""How checks call a model: as the caller would, without leaving a trace in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def call(model: Any, inputs: Any) -> Any:
    """Call `model` with what was made for it: a tuple or list is arguments, a dict named arguments, all else one."""
    if isinstance(inputs, dict):
        return model(**inputs)
    if isinstance(inputs, (tuple, list)):
        return model(*inputs)
    return model(inputs)


def mapped(torch: Any, value: Any, change: Callable[[Any], Any]) -> Any:
    """Return `value` with every tensor in its lists, tuples and dicts changed."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: mapped(torch, one, change) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        items = [mapped(torch, one, change) for one in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


@contextmanager
def untouched(torch: Any, *models: Any, training: bool | None = None) -> Iterator[None]:
    """Leave buffers, modes and random numbers as they were; what the body does to parameters stays.

    Args:
        torch: The module.
        models: Modules.
        training: Mode to put them in meanwhile; None for the one that they are in.
    """
    modules = {id(m): m for model in models for m in model.modules()}.values()
    modes = [(module, module.training) for module in modules]
    buffers = [(b, b.detach().clone()) for model in models for b in model.buffers() if not b.is_meta]
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices):
            for model in models if training is not None else ():
                model.train(training)
            yield
    finally:
        for module, mode in modes:
            module.training = mode
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)
