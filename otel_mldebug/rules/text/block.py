"""One traceback while its lines are read: what belongs to it, and where it ends."""

import re
from dataclasses import dataclass, field
from enum import Enum

from otel_mldebug.rules.text.frames import frame_in, unpanelled
from otel_mldebug.rules.text.groups import MARGIN
from otel_mldebug.rules.text.lines import is_progress, is_record
from otel_mldebug.rules.text.tracebacks import TYPE_LINE, is_class_name, is_marker

MAX_LINES = 3000
"""Lines of one unfinished traceback; above it, frames in the middle are dropped."""
MAX_MESSAGE_LINES = 80
MAX_LOOSE = 30
"""Lines after a blank one that are kept until it is clear whether they belong to the message."""
MAX_FOREIGN = 20
"""Lines that do not fit amid the frames (other processes print too) before a traceback is given up."""
_RULES = 2
"""Lines of `=` in torchrun's summary: the first and the last one of it."""


class State(Enum):
    """What is read next."""

    FRAMES = 1
    MESSAGE = 2
    CHAIN = 3


@dataclass(slots=True)
class Block:
    """A traceback that is being read."""

    start: int
    pattern: "re.Pattern[str] | None"
    rank: int | None
    grouped: bool = False
    notebook: str = ""
    margin: str = ""
    state: State = State.FRAMES
    lines: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    message_lines: int = 0
    foreign: int = 0

    def dedented(self, line: str) -> str:
        """Return `line` without the margin of a traceback that stands indented in the text as a whole.

        The first line after the head tells whether it does.
        """
        if self.margin and len(self.lines) == 1 and not line.startswith(f"{self.margin}  "):
            self.margin = ""
        return line.removeprefix(self.margin)

    def add(self, line: str) -> None:
        """Keep `line`; of very many, those in the middle go."""
        self.lines.append(line)
        if len(self.lines) > MAX_LINES:
            del self.lines[MAX_LINES // 3 : MAX_LINES // 2]


def take(block: Block, line: str) -> bool:
    """Add `line` to the block; return False when the block ended before it."""
    if block.state is State.FRAMES:
        return _take_frame(block, line)
    if is_marker(line.strip()):
        block.lines += block.loose  # what stands before a marker belongs to the message
        block.loose = []
        block.add(line.strip())
        block.state, block.foreign = State.CHAIN, 0
        return True
    if block.state is State.CHAIN:
        block.foreign += 1
        return not line.strip() or block.foreign < 5
    return _take_message(block, line)


def _take_frame(block: Block, line: str) -> bool:
    line = unpanelled(line)
    if block.grouped:
        if MARGIN.match(line):
            block.add(line)
            return True
        block.state = State.MESSAGE
        return take(block, line)
    if not line.strip() or line[0] in " \t" or frame_in(line) is not None:
        block.add(line)
        return True
    if line.startswith(("[Previous line repeated", "---")) or re.match(r"-+> ?\d", line):
        block.add(line)
        return True
    found = TYPE_LINE.match(line)
    if found is not None and is_class_name(found.group(1), block.notebook) and not is_record(line):
        block.add(line)
        block.state, block.message_lines = State.MESSAGE, 1
        return True
    block.foreign += 1
    return block.foreign <= MAX_FOREIGN


def _take_message(block: Block, line: str) -> bool:
    if not line.strip():
        (block.loose if block.loose else block.lines).append(line)
        if not block.loose:
            block.loose.append("")
            block.lines.pop()
        return True
    indented = line[0] in " \t"
    ends = is_progress(line) if indented else is_record(line) and not _inside_summary(block)
    if ends or block.message_lines >= MAX_MESSAGE_LINES:
        return False
    block.message_lines += 1
    if block.loose and not indented:
        block.loose.append(line)
        return len(block.loose) <= MAX_LOOSE
    block.lines += block.loose
    block.loose = []
    block.add(line)
    return True


def _inside_summary(block: Block) -> bool:
    """Return whether the block is torchrun's summary, whose lines look like records, up to the rule that ends it."""
    last = block.lines[-40:]
    begins = next((place for place, line in enumerate(last) if "ChildFailedError" in line), None)
    return begins is not None and sum(set(line.strip()) == {"="} for line in last[begins:]) < _RULES
