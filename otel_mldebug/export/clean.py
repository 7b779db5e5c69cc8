"""What leaves the process is cleaned here: one object that redacts texts and values, or passes them on unchanged."""

from collections.abc import Mapping
from typing import Any, Protocol

from typing_extensions import override


class Cleaner(Protocol):
    """Replaces secrets. Pure except for counting what it replaced; raises nothing."""

    def text(self, text: str) -> str:
        """Return `text` with its secrets replaced."""

    def value(self, key: str, value: Any) -> Any:
        """Return `value`, which stands under `key`, with its secrets replaced; containers keep their shape."""

    def replaced(self) -> int:
        """Return how many secrets were replaced in this process so far."""


class KeepAll(Cleaner):
    """Changes nothing: what is in place when redaction is switched off."""

    @override
    def text(self, text: str) -> str:
        return text

    @override
    def value(self, key: str, value: Any) -> Any:
        return value

    @override
    def replaced(self) -> int:
        return 0


def cleaned(cleaner: Cleaner, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `attributes` with the secrets in their values replaced."""
    return {key: cleaner.value(key, value) for key, value in attributes.items()}
