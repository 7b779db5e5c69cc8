"""Noticing the providers that the program sets, so that what they export is redacted and diagnosed from the start."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from otel_mldebug._guard import guard
from otel_mldebug.instrument.importing import OnImport

Join = Callable[[Any], None]


class Noticing:
    """Calls `join` with the provider that is set, and with each one that is set later.

    It costs nothing until the program itself imports OpenTelemetry: only then the function that sets the provider is
    wrapped, and only on its module.

    Args:
        module: Module of OpenTelemetry's API.
        setter: Name of its function that sets the provider.
        getter: Name of its function that returns it.
        join: What to do with a provider. Called with stand-ins, too.
    """

    def __init__(self, module: str, setter: str, getter: str, join: Join) -> None:
        self._setter, self._getter, self._join = setter, getter, join
        self._import = OnImport(module, self._found)
        self._wrapped: tuple[ModuleType, Any, Any] | None = None

    def install(self) -> None:
        """Begin, now or when the module is imported."""
        self._import.install()

    def remove(self) -> None:
        """Stop, and put the function back unless somebody else has wrapped it since."""
        self._import.remove()
        wrapped, self._wrapped = self._wrapped, None
        if wrapped is not None:
            module, original, ours = wrapped
            if getattr(module, self._setter, None) is ours:
                setattr(module, self._setter, original)

    def _found(self, module: ModuleType) -> None:
        if self._wrapped is not None:
            return
        original, get = getattr(module, self._setter), getattr(module, self._getter)

        def set_and_join(*args: Any, **kwargs: Any) -> None:
            original(*args, **kwargs)
            if self._wrapped is not None:
                with guard("join the provider that the program has set"):
                    self._join(get())

        self._wrapped = module, original, set_and_join
        setattr(module, self._setter, set_and_join)
        self._join(get())
