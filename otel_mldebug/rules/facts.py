"""What is known of one failure, as plain values: the input of every rule that explains an exception."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Value = str | bool | int | float | tuple[str, ...] | tuple[int, ...] | tuple[float, ...]
"""What evidence and context are made of: the types that an OpenTelemetry attribute can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of a stack trace, outermost first in a list of them.

    Attributes:
        file: Path as the interpreter gave it.
        function: Qualified name where it is known (`Model.forward`), the bare name otherwise.
        line: Line number from 1; None when unknown.
        module: Dotted module name; empty when unknown.
        in_app: Whether it is the user's code: not the standard library, not an installed package.
        code: The source line, stripped; empty when it is not available.
    """

    file: str
    function: str
    line: int | None = None
    module: str = ""
    in_app: bool = True
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFacts:
    """What is known of one exception.

    Attributes:
        type: Qualified class name as a traceback prints it: `torch.OutOfMemoryError`, `ValueError`. Empty when
            unknown, as for a bare message.
        message: `str(exc)`, bounded. Not redacted yet.
        bases: Qualified names of the classes it inherits from, nearest first, without `object`. Empty when the
            facts come from text.
        frames: Outermost first, bounded.
        cause: The exception that led to this one: `__cause__`, or `__context__` unless suppressed.
        group: The exceptions of an exception group.
        notes: What was added with `add_note`.
        attributes: Plain facts that the exception object carries, such as `errno`, `status_code`, `exitcode`,
            `signal`, `filename`.
    """

    type: str = ""
    message: str = ""
    bases: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()
    cause: "ErrorFacts | None" = None
    group: "tuple[ErrorFacts, ...]" = ()
    notes: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the class name without its module."""
        return self.type.rpartition(".")[2]
