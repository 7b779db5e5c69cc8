"""Replaced attributes of foreign modules and classes, which can be put back."""

from collections.abc import Callable
from typing import Any

Make = Callable[[Callable[..., Any]], Callable[..., Any]]
"""From the original to what takes its place."""


class Patch:
    """One replaced attribute.

    Where somebody else has wrapped ours in the meantime, `undo` cannot put the original back: ours stays below theirs
    and only passes calls on.

    Args:
        owner: Module or class.
        name: Of its attribute.
        make: Makes the replacement.
    """

    def __init__(self, owner: Any, name: str, make: Make) -> None:
        self._owner = owner
        self._name = name
        self._inherited = name not in vars(owner)
        self._original: Callable[..., Any] = getattr(owner, name)
        self._on = True
        self._make = make
        self._put(make(self._original))

    def _put(self, inner: Callable[..., Any]) -> None:
        self._inner = inner
        original = self._original
        for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
            setattr(inner, attribute, getattr(original, attribute, None))
        inner.__wrapped__ = original  # type: ignore[attr-defined]
        setattr(self._owner, self._name, inner)

    def through(self, wrap: Make) -> None:
        """Put `wrap` around the replacement, if it is still in place."""
        if self._on and vars(self._owner).get(self._name) is self._inner:
            self._put(wrap(self._make(self._original)))

    def undo(self) -> bool:
        """Put the original back; return whether that was possible."""
        self._on = False
        if vars(self._owner).get(self._name) is not self._inner:
            return False
        if self._inherited:
            delattr(self._owner, self._name)
        else:
            setattr(self._owner, self._name, self._original)
        return True


class Hook:
    """One of PyTorch's global hooks, which can be taken out for a while.

    Args:
        register: PyTorch's function.
        hooks: Where it puts them.
        hook: Ours.
    """

    def __init__(self, register: Callable[..., Any], hooks: dict[int, Any], hook: Callable[..., Any]) -> None:
        self._hooks, self._hook = hooks, hook
        self._key: int = register(hook).id

    def through(self, wrap: Make) -> None:
        """Put `wrap` around it."""
        self._hook = wrap(self._hook)
        if self._key in self._hooks:
            self.back()

    def out(self) -> bool:
        """Take it out; return whether it was in place."""
        return self._hooks.pop(self._key, None) is not None

    def back(self) -> None:
        """Put it back."""
        self._hooks[self._key] = self._hook
