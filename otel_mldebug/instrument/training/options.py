"""What the settings say about watching training. Whoever has the settings hands them over, before or while we watch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Settings of training, with the defaults of the whole.

    Attributes:
        layers: Steps between two looks at every layer, 1 or more; 0 for as often as the budget allows.
    """

    layers: int = 0


_current = Options()


def current() -> Options:
    """Return the settings in force. Look them up late: they change with `configure`."""
    return _current


def use(options: Options) -> None:
    """Put `options` in force, for looks that are planned from now on."""
    global _current
    _current = options
