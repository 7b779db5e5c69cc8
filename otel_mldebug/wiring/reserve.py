"""Address space that is given back when the program runs out of memory, so that there is room to say so.

The pages are never touched: they take no memory, only room below a limit such as that of `ulimit -v`.
"""

from contextlib import suppress

SIZE = 64 * 2**20
"""Bytes: reading the catalogue and writing to the local store take some 40 MB."""
PLENTY = 512 * 2**20
"""Bytes with which importing the SDK and starting its threads is safe: whoever starts a thread that cannot begin
waits for ever."""
SHARE = 64
"""One part in so many of a limit is what we take of it at most."""
_held: list[bytes] = []


def hold() -> None:
    """Set the room aside, unless it is already, or there is none."""
    if not _held:
        with suppress(MemoryError):
            _held.append(bytes(_size()))  # from calloc, so that the system has to provide nothing yet


def release() -> None:
    """Give the room back."""
    _held.clear()


def is_short() -> bool:
    """Return whether there is too little room for all that telemetry needs; a program may only have asked too much."""
    try:
        bytes(PLENTY)
    except MemoryError:
        return True
    return False


def _size() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return SIZE if limit == resource.RLIM_INFINITY else min(SIZE, limit // SHARE)
