"""Finds every failure in a stream of lines, with memory that does not grow with it.

Lines of several ranks may be interleaved: each prefix in front of a traceback's head makes a stream of its own.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.text.block import Block, State, take
from otel_mldebug.rules.text.events import event_in, is_aftermath, may_matter
from otel_mldebug.rules.text.fatal import Fatal, begun
from otel_mldebug.rules.text.frames import frame_in, frames_in
from otel_mldebug.rules.text.groups import MARGIN
from otel_mldebug.rules.text.lines import clean, prefix_pattern
from otel_mldebug.rules.text.tracebacks import HEAD, NOTEBOOK_HEAD, facts_of_block

MAX_OPEN = 64
"""Streams with an unfinished traceback; the oldest is finished when there are more."""
NEAR = 40
"""Lines after a failure within which a process that was aborted is only what came of it."""
_BOX_STARTS, _BOX_ENDS, _MAX_BOX = ("┌─ otel-mldebug", "+- otel-mldebug"), ("└", "+--"), 60
"""The verdict that `otel-mldebug run` prints: a failure in it has been seen already."""
_RANK = re.compile(r"\[?(?:rank|RANK |default|local_rank )(\d{1,6})\]?|^\s*\[(\d{1,6})\]:|^\s*(\d{1,4}): ")


@dataclass(frozen=True, slots=True)
class Seen:
    """A failure in a text: what is known of it, the number of the line where it begins (from 1), and whose it is."""

    facts: ErrorFacts
    line: int
    rank: int | None = None


def scan(lines: Iterable[str]) -> Iterator[Seen]:
    """Yield the failures in `lines`, each when its end has been read. Never raises on any text."""
    return scan_numbered(enumerate(lines, start=1))


def scan_numbered(numbered: Iterable[tuple[int, str]]) -> Iterator[Seen]:
    """Yield the failures in lines that come with their numbers, of which several may have the same."""
    scanner = _Scanner()
    for number, raw in numbered:
        line = clean(raw)
        if scanner.open or _begins(line) or may_matter(line) or "otel-mldebug" in line:
            yield from scanner.feed(number, line)
    yield from scanner.end()


class _Scanner:
    """What is open between two lines, and where the last failure was."""

    def __init__(self) -> None:
        self._blocks: dict[str, Block] = {}
        self._fatal: Fatal | None = None
        self._boxed = 0
        self._last = -NEAR

    @property
    def open(self) -> bool:
        """Return whether any next line counts."""
        return bool(self._blocks or self._boxed or self._fatal)

    def feed(self, number: int, line: str) -> Iterator[Seen]:
        """Yield the failures that are known with this line."""
        if self._fatal is not None:
            if self._fatal.take(line):
                return
            yield from self._dumped()
            self._last = number
        if self._boxed:
            self._boxed = 0 if line.lstrip().startswith(_BOX_ENDS) else self._boxed - 1
            return
        if "otel-mldebug" in line and any(start in line for start in _BOX_STARTS):
            for key in list(self._blocks):
                yield from _close(self._blocks, key)
            self._boxed = _MAX_BOX
            return
        if (head := _head(line)) is not None:
            yield from _open(self._blocks, line, head, number)
        else:
            yield from self._further(number, line)

    def _further(self, number: int, line: str) -> Iterator[Seen]:
        """Look at a line that is no head: one more of a traceback, or one that announces a failure by itself."""
        key, said = _owner(self._blocks, line)
        if key is None and '  File "' in line and frame_in(line) is not None:  # pasted without its head
            self._blocks[""] = Block(start=number, pattern=None, rank=None, lines=[line])
            return
        if key is not None:
            if take(self._blocks[key], said):
                return
            yield from _close(self._blocks, key)
            self._last = number
        if not may_matter(line):
            return
        self._fatal = begun(line, number, _rank(line))
        facts = event_in(line) if self._fatal is None else None
        if facts is not None and not (number - self._last < NEAR and is_aftermath(facts)):
            yield Seen(facts, number, _rank(line))
            self._last = number

    def _dumped(self) -> Iterator[Seen]:
        if self._fatal is not None:
            yield Seen(self._fatal.facts(), self._fatal.start, self._fatal.rank)
            self._fatal = None

    def end(self) -> Iterator[Seen]:
        """Yield what the end of the text has cut off."""
        yield from self._dumped()
        for key in list(self._blocks):
            block = self._blocks[key]
            block.lines += block.loose  # nothing came after them: they belong to the message
            block.loose = []
            yield from _close(self._blocks, key, cut=True)


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


def _open(blocks: dict[str, Block], line: str, head: int, number: int) -> Iterator[Seen]:
    panel = "╭" in line[:head]
    prefix = line[: line.index("╭")] if panel else line[:head]
    grouped = "Exception Group " in line[head : head + 20]
    if grouped:
        prefix = prefix.rstrip("+ ")
    indented = panel and prefix.isspace()  # rich's logging handler puts the panel below its message
    blank = not prefix.strip() and not indented
    owner, said = _owner(blocks, line)
    if owner is not None:
        block = blocks[owner]
        inside = MARGIN.match(said) if block.grouped else said[:1] in (" ", "\t") and block.state is not State.CHAIN
        if inside or block.state is State.CHAIN or _quoted(block):
            block.add(HEAD if "╭" in said else said)
            if block.state is State.CHAIN:
                block.state, block.message_lines = State.FRAMES, 0
                block.grouped = grouped
                block.notebook = _notebook(said)
            return
        yield from _close(blocks, owner)
    if len(blocks) >= MAX_OPEN:
        yield from _close(blocks, next(iter(blocks)))
    pattern = None if blank else re.compile(prefix) if indented else prefix_pattern(prefix)
    margin = prefix if blank and not grouped else ""
    notebook = _notebook(line[head:])
    block = Block(number, pattern, _rank(line), grouped=grouped, notebook=notebook, margin=margin)
    block.add(HEAD if panel else line[len(prefix) :] if not blank or grouped else line.strip())
    blocks["" if blank else prefix] = block


def _quoted(block: Block) -> bool:
    """Return whether the block's message is about to quote a traceback, as multiprocessing's RemoteTraceback does."""
    if block.state is not State.MESSAGE or not block.lines:
        return False
    last = next((line for line in reversed(block.lines) if line.strip()), "")
    return last.strip() in ('"""', "'''") or last.rstrip().endswith(("RemoteTraceback:", "traceback :"))


def _notebook(said: str) -> str:
    found = NOTEBOOK_HEAD.match(said)
    return found.group(1).rpartition(".")[2] if found else ""


def _owner(blocks: dict[str, Block], line: str) -> tuple[str | None, str]:
    """Return the stream that `line` belongs to, and what it says there."""
    for key, block in blocks.items():
        if block.pattern is not None and (found := block.pattern.match(line)) is not None:
            return key, line[found.end() :]
    if "" in blocks:
        return "", blocks[""].dedented(line)
    return None, line


def _close(blocks: dict[str, Block], key: str, *, cut: bool = False) -> Iterator[Seen]:
    """End a block; one that ends with the text may lack its last line, and is a failure all the same."""
    block = blocks.pop(key)
    facts = facts_of_block(block.lines)
    if facts is None and cut and HEAD in block.lines[0] and (frames := frames_in(block.lines)):
        facts = ErrorFacts(frames=frames)
    if facts is not None:
        yield Seen(facts, block.start, block.rank)


def _rank(line: str) -> int | None:
    found = _RANK.search(line[:200])
    return int(next(group for group in found.groups() if group is not None)) if found else None
