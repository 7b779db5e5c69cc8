"""Methods of other people's classes that ours stand in front of, and how that is undone."""

import functools
from collections.abc import Callable, Iterable
from functools import partial
from types import ModuleType
from typing import Any

from otel_mldebug.instrument.importing import OnImport


class Replaced:
    """A method of a class, or a function of a module, with another one in front of it.

    Args:
        owner: The class or the module.
        name: The method.
        make: Takes the method that was there and returns the one to put in front. What it returns must do nothing but
            pass on while `on` is false: somebody else may hold it.

    Attributes:
        on: Whether the method in front is to look at anything.
    """

    def __init__(
        self, owner: type | ModuleType, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]
    ) -> None:
        self._owner, self._name, self._make = owner, name, make
        self._previous: Any = None
        self._ours: Any = None
        self.on = False

    def install(self) -> None:
        """Put ours in front, unless it still is, or is behind somebody else's."""
        self.on = True
        if self._ours is None:
            self._previous = vars(self._owner)[self._name]
            self._ours = functools.wraps(self._previous)(self._make(self._previous))
            setattr(self._owner, self._name, self._ours)

    def remove(self) -> None:
        """Put back what was there; where somebody else's is in front by now, ours stays and passes on."""
        self.on = False
        if self._ours is not None and vars(self._owner).get(self._name) is self._ours:
            setattr(self._owner, self._name, self._previous)
            self._ours = None


class ReplacedOnImport:
    """Methods of classes of modules that the program may import later, or never.

    Args:
        modules: Names of modules that have the same classes: one, and those that were made from it.
        methods: Takes a module that was imported and returns what is to be replaced in it; called once for each.

    Attributes:
        on: Whether the methods in front are to look at anything.
    """

    def __init__(self, modules: Iterable[str], methods: Callable[[ModuleType], Iterable[Replaced]]) -> None:
        self._make = methods
        self._imports = tuple(OnImport(name, partial(self._found, name)) for name in modules)
        self._methods: dict[str, tuple[Replaced, ...]] = {}
        self.on = False

    def install(self) -> None:
        """Begin with what is imported already, and go on with each import."""
        self.on = True
        for waiting in self._imports:
            waiting.install()

    def remove(self) -> None:
        """Stop waiting, and put back what was there."""
        self.on = False
        for waiting in self._imports:
            waiting.remove()
        for methods in self._methods.values():
            for method in methods:
                method.remove()

    def _found(self, name: str, module: ModuleType) -> None:
        if name not in self._methods:
            self._methods[name] = tuple(self._make(module))
        for method in self._methods[name]:
            method.install()
