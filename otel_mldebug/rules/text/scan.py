"""Finds every failure in a stream of lines, with memory that does not grow with it.

Lines of several ranks may be interleaved: each prefix in front of a traceback's head makes a stream of its own.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.text.events import event_in, may_matter
from otel_mldebug.rules.text.frames import frame_in, unpanelled
from otel_mldebug.rules.text.groups import MARGIN
from otel_mldebug.rules.text.lines import clean, is_progress, is_record, prefix_pattern
from otel_mldebug.rules.text.tracebacks import (
    HEAD,
    NOTEBOOK_HEAD,
    TYPE_LINE,
    facts_of_block,
    is_class_name,
    is_marker,
)

MAX_OPEN = 64
"""Streams with an unfinished traceback; the oldest is finished when there are more."""
MAX_LINES = 3000
"""Lines of one unfinished traceback; above it, frames in the middle are dropped."""
MAX_MESSAGE_LINES = 80
MAX_LOOSE = 30
"""Lines after a blank one that are kept until it is clear whether they belong to the message."""
MAX_FOREIGN = 20
"""Lines that do not fit amid the frames (other processes print too) before a traceback is given up."""
_RANK = re.compile(r"\[?(?:rank|RANK |default|local_rank )(\d{1,6})\]?|^\s*\[(\d{1,6})\]:|^\s*(\d{1,4}): ")


@dataclass(frozen=True, slots=True)
class Seen:
    """A failure in a text: what is known of it, the number of the line where it begins (from 1), and whose it is."""

    facts: ErrorFacts
    line: int
    rank: int | None = None


class _State(Enum):
    FRAMES = 1
    MESSAGE = 2
    CHAIN = 3


@dataclass(slots=True)
class _Block:
    """A traceback that is being read."""

    start: int
    pattern: "re.Pattern[str] | None"
    rank: int | None
    grouped: bool = False
    notebook: str = ""
    state: _State = _State.FRAMES
    lines: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    message_lines: int = 0
    foreign: int = 0

    def add(self, line: str) -> None:
        self.lines.append(line)
        if len(self.lines) > MAX_LINES:
            del self.lines[MAX_LINES // 3 : MAX_LINES // 2]


def scan(lines: Iterable[str]) -> Iterator[Seen]:
    """Yield the failures in `lines`, each when its end has been read. Never raises on any text."""
    blocks: dict[str, _Block] = {}
    for number, raw in enumerate(lines, start=1):
        line = clean(raw)
        if not blocks and not _begins(line) and not may_matter(line):
            continue
        if (head := _head(line)) is not None:
            yield from _open(blocks, line, head, number)
            continue
        key, said = _owner(blocks, line)
        if key is None and '  File "' in line and frame_in(line) is not None:
            blocks[""] = _Block(start=number, pattern=None, rank=None, lines=[line])  # pasted without its head
            continue
        if key is None:
            if may_matter(line) and (facts := event_in(line)) is not None:
                yield Seen(facts, number, _rank(line))
            continue
        if not _take(blocks[key], said):
            yield from _close(blocks, key)
            if may_matter(line) and (facts := event_in(line)) is not None:
                yield Seen(facts, number, _rank(line))
    for key in list(blocks):
        block = blocks[key]
        block.lines += block.loose  # nothing came after them: they belong to the message
        block.loose = []
        yield from _close(blocks, key)


def _begins(line: str) -> bool:
    return HEAD in line or '  File "' in line


def _head(line: str) -> int | None:
    """Return where a traceback's head begins in `line`; None when it has none."""
    place = line.find(HEAD)
    if place >= 0:
        if (notebook := NOTEBOOK_HEAD.search(line)) is not None and notebook.group(1) not in ("Group", "Original"):
            return notebook.start() if line[: notebook.start()].strip() else 0
        before = line[:place]
        if before.endswith("Original "):
            return None  # inside the message of a wrapper
        if before.endswith("Exception Group "):
            return len(before) - len("Exception Group ")
        return place
    return None


def _open(blocks: dict[str, _Block], line: str, head: int, number: int) -> Iterator[Seen]:
    prefix = line[: line.index("╭")] if "╭" in line[:head] else line[:head]
    grouped = "Exception Group " in line[head : head + 20]
    if grouped:
        prefix = prefix.rstrip("+ ")
    blank = not prefix.strip()
    owner, said = _owner(blocks, line)
    if owner is not None:
        block = blocks[owner]
        inside = MARGIN.match(said) if block.grouped else said[:1] in (" ", "\t") and block.state is not _State.CHAIN
        if inside or block.state is _State.CHAIN or _quoted(block):
            block.add(HEAD if "╭" in said else said)
            if block.state is _State.CHAIN:
                block.state, block.message_lines = _State.FRAMES, 0
                block.grouped = grouped
                block.notebook = _notebook(said)
            return
        yield from _close(blocks, owner)
    if len(blocks) >= MAX_OPEN:
        yield from _close(blocks, next(iter(blocks)))
    pattern = None if blank else prefix_pattern(prefix)
    block = _Block(start=number, pattern=pattern, rank=_rank(line), grouped=grouped, notebook=_notebook(line[head:]))
    block.add(HEAD if "╭" in line[:head] else line[len(prefix) :] if not blank or grouped else line.strip())
    blocks["" if blank else prefix] = block


def _quoted(block: _Block) -> bool:
    """Return whether the block's message is about to quote a traceback, as multiprocessing's RemoteTraceback does."""
    if block.state is not _State.MESSAGE or not block.lines:
        return False
    last = next((line for line in reversed(block.lines) if line.strip()), "")
    return last.strip() in ('"""', "'''") or last.rstrip().endswith(("RemoteTraceback:", "traceback :"))


def _notebook(said: str) -> str:
    found = NOTEBOOK_HEAD.match(said)
    return found.group(1).rpartition(".")[2] if found else ""


def _owner(blocks: dict[str, _Block], line: str) -> tuple[str | None, str]:
    """Return the stream that `line` belongs to, and what it says there."""
    for key, block in blocks.items():
        if block.pattern is not None and (found := block.pattern.match(line)) is not None:
            return key, line[found.end() :]
    if "" in blocks:
        return "", line
    return None, line


def _take(block: _Block, line: str) -> bool:
    """Add `line` to the block; return False when the block ended before it."""
    if block.state is _State.FRAMES:
        return _take_frame(block, line)
    if is_marker(line.strip()):
        block.lines += block.loose  # what stands before a marker belongs to the message
        block.loose = []
        block.add(line.strip())
        block.state, block.foreign = _State.CHAIN, 0
        return True
    if block.state is _State.CHAIN:
        block.foreign += 1
        return not line.strip() or block.foreign < 5
    return _take_message(block, line)


def _take_frame(block: _Block, line: str) -> bool:
    line = unpanelled(line)
    if block.grouped:
        if MARGIN.match(line):
            block.add(line)
            return True
        block.state = _State.MESSAGE
        return _take(block, line)
    if not line.strip() or line[0] in " \t" or frame_in(line) is not None:
        block.add(line)
        return True
    if line.startswith(("[Previous line repeated", "---")) or re.match(r"-+> ?\d", line):
        block.add(line)
        return True
    found = TYPE_LINE.match(line)
    if found is not None and is_class_name(found.group(1), block.notebook) and not is_record(line):
        block.add(line)
        block.state, block.message_lines = _State.MESSAGE, 1
        return True
    block.foreign += 1
    return block.foreign <= MAX_FOREIGN


def _take_message(block: _Block, line: str) -> bool:
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


def _inside_summary(block: _Block) -> bool:
    """Return whether the block is torchrun's summary, whose lines look like records."""
    return any("ChildFailedError" in line for line in block.lines[-40:])


def _close(blocks: dict[str, _Block], key: str) -> Iterator[Seen]:
    block = blocks.pop(key)
    facts = facts_of_block(block.lines)
    if facts is not None:
        yield Seen(facts, block.start, block.rank)


def _rank(line: str) -> int | None:
    found = _RANK.search(line[:200])
    return int(next(group for group in found.groups() if group is not None)) if found else None
