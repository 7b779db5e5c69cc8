"""How much of a processor the machine has left for each process that wants one."""

import os
from collections.abc import Callable

_LOAD: Callable[[], tuple[float, ...]] | None = getattr(os, "getloadavg", None)


def share_of_a_processor(
    load: Callable[[], tuple[float, ...]] | None = _LOAD,
    processors: Callable[[], int | None] = os.cpu_count,
) -> float:
    """Return processors for each process that ran or wanted to run in the last minute, 0 to 1; 1 when unknown.

    Args:
        load: Returns the load of the last minute, and others; None where there is none (Windows).
        processors: Returns how many there are.
    """
    if load is None:
        return 1.0
    try:
        wanted = load()[0]
    except OSError:
        return 1.0
    return min(1.0, (processors() or 1) / wanted) if wanted > 0 else 1.0
