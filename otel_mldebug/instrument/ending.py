"""Whether an exception has ended this process, for those who look a last time when it ends."""

_seen = [False]


def note() -> None:
    """Note that an exception which nobody has caught ends this process."""
    _seen[0] = True


def failed() -> bool:
    """Return whether that was noted."""
    return _seen[0]
