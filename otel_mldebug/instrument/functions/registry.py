"""All watched functions and blocks of this process, by name; bounded."""

import copyreg
import os
from typing import Any

from otel_mldebug.instrument import budget
from otel_mldebug.instrument.functions.watch import Target, Watch

MAX_WATCHES = 2000
"""Functions and blocks that are told apart; what comes later is counted together as `OVERFLOW`."""
OVERFLOW = Target("_other", "_other")

_watches: dict[tuple[str, str], Watch] = {}


def watch(target: Target) -> Watch:
    """Return the watch for `target`: the one that exists, if its function is watched already under that name.

    So a function that is decorated anew at every call of another, or in every run of a notebook's cell, is one.
    """
    key = (target.function, target.span)
    found = _watches.get(key)
    if found is not None:
        return found
    if len(_watches) >= MAX_WATCHES:
        key, target = (OVERFLOW.function, OVERFLOW.span), OVERFLOW
    return _watches.setdefault(key, Watch(target))  # one operation, so that two threads get the same


def _by_target(known: Watch) -> tuple[Any, ...]:
    return watch, (known.target,)


copyreg.pickle(Watch, _by_target)  # a watched function that is sent to another process by value counts there


def block(name: str) -> Watch:
    """Return the watch for the block called `name`."""
    return watch(Target(name, name))


def watches() -> list[Watch]:
    """Return all of them, in the order in which they came."""
    return list(_watches.values())


def forget() -> None:
    """Start anew in a forked child: its parent reports what was counted before."""
    budget.process().reset()
    for known in watches():
        known.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)
