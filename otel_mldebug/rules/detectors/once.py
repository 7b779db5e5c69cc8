"""What several detectors work out of the same looks is worked out once."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

from otel_mldebug.rules.looks import Look

F = TypeVar("F", bound=Callable[..., Any])


class _Judgement(threading.local):
    """What has been worked out of the looks that the calling thread is judging."""

    def __init__(self) -> None:
        self.looks: Sequence[Look] | None = None
        self.known: dict[tuple[int, ...], tuple[tuple[Any, ...], Any]] = {}


_judgement = _Judgement()


@contextmanager
def judging(looks: Sequence[Look]) -> Iterator[None]:
    """Have functions that are marked with `once` remember what they return for `looks`.

    Args:
        looks: Must stay as they are meanwhile, as must all that those functions are given beside them. Nothing is kept
            afterwards.
    """
    before = _judgement.looks, _judgement.known
    _judgement.looks, _judgement.known = looks, {}
    try:
        yield
    finally:
        _judgement.looks, _judgement.known = before


def once(function: F) -> F:
    """Return `function`, of looks and other things, that remembers its results while those looks are being judged."""

    @wraps(function)
    def remembering(looks: Sequence[Look], *args: Any) -> Any:
        judgement = _judgement
        if looks is not judgement.looks:
            return function(looks, *args)
        key = (id(function), *map(id, args))
        if (known := judgement.known.get(key)) is None:
            # the arguments are kept along, so that none of these identities is given to something else meanwhile
            known = judgement.known[key] = args, function(looks, *args)
        return known[1]

    return cast("F", remembering)
