"""Which loops of a function its steps are made in, read from its bytecode."""

import dis
import sys
from functools import lru_cache
from types import CodeType

_JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))


@lru_cache(maxsize=64)
def loops(code: CodeType) -> tuple[tuple[int, int], ...]:
    """Return the loops of a function as offsets of their first and last instruction, the innermost first.

    Handlers of exceptions stand behind everything else from Python 3.12 on, and jump back from there: what lies in
    between is in no loop because of that.
    """
    found: dict[int, int] = {}
    for instruction in dis.get_instructions(code):
        if instruction.opname == "PUSH_EXC_INFO" and sys.version_info >= (3, 12):
            break
        target = instruction.argval if instruction.opcode in _JUMPS else None
        if isinstance(target, int) and target < instruction.offset:
            found[target] = max(found.get(target, 0), instruction.offset)
    return tuple(sorted(found.items(), key=lambda loop: loop[1] - loop[0]))


def loop_around(code: CodeType, offset: int) -> tuple[int, int] | None:
    """Return the innermost loop that the instruction at `offset` belongs to; None when it belongs to none."""
    return next(((first, last) for first, last in loops(code) if first <= offset <= last), None)
