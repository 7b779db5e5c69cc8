"""What the vigil has to know of the settings and of the run: asked for late, since a run gets its id late."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the vigil has to know.

    Attributes:
        hang_timeout: Seconds without progress that count as a hang; 0: by the run's own step times; infinite: never.
        directory: Of the run in the local store; None when there is none, or none yet.
    """

    hang_timeout: float = 0.0
    directory: Path | None = None


_asked: Callable[[], Settings] = Settings


def provide(ask: Callable[[], Settings]) -> None:
    """Have `ask` answer from now on."""
    global _asked
    _asked = ask


def current() -> Settings:
    """Return the settings as they are now."""
    return _asked()
