"""Tensors that want gradients and that a module holds as plain attributes: they are no parameters of the model."""

from collections.abc import Iterator, Mapping, Set
from typing import Any

_MOST, _MOST_ITEMS = 32, 64
"""Tensors of a model, and items of one list or dictionary, that are looked at."""
_SAMPLE = 256


class Loose:
    """Those of the models of one look.

    Args:
        torch: The module.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._kinds = (torch.Tensor, torch.nn.Parameter)
        self._found: dict[str, Any] = {}

    def enter(self, module: Any, prefix: str) -> None:
        """Note those of a module that is not PyTorch's own."""
        for key, value in vars(module).items():
            if len(self._found) >= _MOST:
                return
            for name, tensor in self._tensors(key, value):
                if tensor.requires_grad and tensor.is_leaf and tensor.is_cpu and tensor.numel():
                    self._found[prefix + name] = tensor

    def _tensors(self, key: str, value: Any) -> Iterator[tuple[str, Any]]:
        if type(value) in self._kinds:
            yield key, value
        elif key[0] != "_" and type(value) in (list, tuple) and len(value) <= _MOST_ITEMS:
            yield from ((f"{key}[{n}]", item) for n, item in enumerate(value) if type(item) in self._kinds)
        elif key[0] != "_" and type(value) is dict and len(value) <= _MOST_ITEMS:
            yield from ((f"{key}[{name!r}]", item) for name, item in value.items() if type(item) in self._kinds)

    def take(self, leaves: Mapping[int, int], known: Set[int]) -> tuple[tuple[str, tuple[int, ...], float], ...]:
        """Return name, shape and a checksum of those that the loss depends on and that are not `known`.

        Args:
            leaves: What the loss depends on, by identity.
            known: Parameters of modules and of optimizers, by identity.
        """
        found, self._found = self._found, {}
        return tuple(
            (name, tuple(tensor.shape), float(tensor.detach().reshape(-1)[:_SAMPLE].double().sum()))
            for name, tensor in found.items()
            if id(tensor) in leaves and id(tensor) not in known and tensor.grad is not None
        )
