"""What Python's faulthandler prints when native code crashes: the reason, and the stack of each thread.

Source: CPython, Python/traceback.c, `_Py_DumpTracebackThreads`; Modules/faulthandler.c.
"""

import re
from dataclasses import dataclass, field

from otel_mldebug.rules.facts import ErrorFacts, Frame
from otel_mldebug.rules.origin import in_app
from otel_mldebug.rules.text.lines import prefix_pattern

HEAD = re.compile(r"(?:Fatal Python error|Windows fatal exception): (.{1,200})")
_THREAD = re.compile(r"\s*(Current thread|Thread) 0x[0-9a-fA-F]+")
_FRAME = re.compile(r'\s*File "([^"]{1,1000})", line (\d{1,9}) in (.{1,300}?)\s*$')
_GOES_ON = re.compile(
    r"\s*(?:$|<no Python frame>|\.\.\.|Garbage-collecting|Python runtime state: |Extension modules: |"
    r"<(?:invalid|cannot|truncated)|<tstate )"
)
_MAX_FRAMES = 64


@dataclass(slots=True)
class Fatal:
    """A dump that is being read.

    Attributes:
        start: The number of its first line.
        said: The first line, from the reason on.
        rank: Rank that printed it.
    """

    start: int
    said: str
    rank: int | None
    pattern: "re.Pattern[str] | None" = None
    frames: list[Frame] = field(default_factory=list)
    _current: bool = True

    def take(self, line: str) -> bool:
        """Add `line`; return False where the dump ended before it."""
        if self.pattern is not None and (found := self.pattern.match(line)) is not None:
            line = line[found.end() :]
        if (thread := _THREAD.match(line)) is not None:
            # The thread that crashed comes last, where there are several.
            if thread[1] == "Current thread" or not self.frames:
                self.frames.clear()
                self._current = True
            else:
                self._current = False
            return True
        if (found := _FRAME.match(line)) is not None:
            if self._current and len(self.frames) < _MAX_FRAMES:
                file, number, function = found.groups()
                self.frames.append(Frame(file=file, function=function, line=int(number), in_app=in_app(file)))
            return True
        return _GOES_ON.match(line) is not None

    def facts(self) -> ErrorFacts:
        """Return what is known of the crash."""
        return ErrorFacts(message=self.said, frames=tuple(reversed(self.frames)))


def begun(line: str, number: int, rank: int | None) -> Fatal | None:
    """Return the dump that begins with `line`; None where it does not."""
    found = HEAD.search(line) if "atal" in line else None
    if found is None:
        return None
    prefix = line[: found.start()]
    pattern = prefix_pattern(prefix) if prefix.strip() else None
    return Fatal(start=number, said=line[found.start() :].rstrip(), rank=rank, pattern=pattern)
