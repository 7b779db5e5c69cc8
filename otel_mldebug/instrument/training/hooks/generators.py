"""Random generators of which every worker of a DataLoader gets a copy in the same state.

PyTorch gives each worker seeds of its own for `torch`, `random` and `numpy.random`, not for generators that the program
has made itself, and before it calls `worker_init_fn`. Source: torch/utils/data/_utils/worker.py.
"""

import dis
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

_GENERATORS = frozenset((
    ("numpy.random._generator", "Generator"), ("numpy.random.mtrand", "RandomState"), ("random", "Random"),
))  # fmt: skip
_APART = frozenset((
    "get_worker_info", "initial_seed", "seed_sequence", "spawn", "getpid", "urandom", "default_rng", "RandomState",
    "Random", "SeedSequence", "seed", "manual_seed", "worker_id", "time", "time_ns",
))  # fmt: skip
"""Names in a data set's code that may make what workers draw differ."""
_SEEDS = frozenset(("seed", "manual_seed", "seed_everything", "set_seed"))
_MOST_CODES = 40


def copied_generator(loader: Any) -> str:
    """Return what gives all workers of `loader` the same random numbers, in words; empty if nothing is known to."""
    if getattr(loader, "num_workers", 0) < 2:
        return ""
    begin = getattr(loader, "worker_init_fn", None)
    if begin is not None:
        return "worker_init_fn, which seeds each worker alike" if _seeds_alike(begin) else ""
    todo, seen = [loader.dataset], set[int]()
    while todo and len(seen) < _MOST_CODES:
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if found := _drawn_from(part):
            return found
        known = getattr(part, "__dict__", {})
        todo += [known[name] for name in ("dataset", "transform", "transforms", "augment") if name in known]
    return ""


def _drawn_from(part: Any) -> str:
    """Return the generator that the code of a data set or transform draws from, if it is one that was made before."""
    kind = type(part)
    plain = isinstance(part, FunctionType)
    codes, spaces = ([part.__code__], [part.__globals__]) if plain else (_codes(kind), _spaces(kind))
    names = {name for code in codes for name in code.co_names}
    if not names or names & _APART:
        return ""
    known = getattr(part, "__dict__", {})
    for name in sorted(names):
        if _is_generator(known.get(name)):
            return f"{kind.__name__}.{name}"
    for space in spaces:
        for name in sorted(names):
            if _is_generator(space.get(name)):
                return f"the global {name}"
    return ""


def _codes(kind: type) -> list[CodeType]:
    """Return the code that makes a sample: `__getitem__`, `__iter__` or `__call__`, and the methods that it names."""
    if kind.__module__.partition(".")[0] in ("torch", "torchvision"):
        return []
    methods = {name: f.__code__ for base in reversed(kind.__mro__) for name, f in _functions(base)}
    todo = [methods[name] for name in ("__getitem__", "__getitems__", "__iter__", "__call__") if name in methods]
    found: list[CodeType] = []
    while todo and len(found) < _MOST_CODES:
        code = todo.pop()
        if code in found:
            continue
        found.append(code)
        todo += [methods[name] for name in code.co_names if name in methods]
        todo += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return found


def _functions(base: type) -> Iterator[tuple[str, FunctionType]]:
    return ((name, f) for name, f in vars(base).items() if isinstance(f, FunctionType))


def _spaces(kind: type) -> list[dict[str, Any]]:
    """Return the global names that the methods of a class see."""
    found = {id(f.__globals__): f.__globals__ for _, f in _functions(kind)}
    return list(found.values())


def _is_generator(value: Any) -> bool:
    return (type(value).__module__, type(value).__name__) in _GENERATORS


def _seeds_alike(begin: Any) -> bool:
    """Return whether a worker's first function sets a seed without looking at which worker it is in."""
    code = getattr(begin, "__code__", None)
    if not isinstance(code, CodeType) or not code.co_argcount or code.co_freevars:
        return False
    names = set(code.co_names)
    if not names & _SEEDS or names & (_APART - _SEEDS):
        return False
    own = code.co_varnames[0]
    return not any("LOAD_FAST" in i.opname and own in _several(i.argval) for i in dis.get_instructions(code))


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
