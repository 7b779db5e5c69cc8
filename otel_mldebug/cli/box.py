"""A box of text for the terminal: sections that are wrapped, shortened until they fit, and framed. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otel_mldebug.cli.render import Look, clean, columns, cut

LABEL_COLUMNS = 9
"""Room for a label such as `watched`, with the space behind it."""

_FRAMES = {True: tuple("┌─┐│└┘"), False: tuple("+-+|++")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A text with a label before it.

    Attributes:
        label: Stands in a column of its own; empty goes on under the label above.
        text: One paragraph.
        style: A style of `Look.paint`.
        literal: Keep the spaces in the text, and cut it rather than wrap it.
        most: Lines that it may take; what does not fit is cut with an ellipsis.
        least: Lines that it keeps when there is too much; 0 lets it go altogether.
        weight: Of all sections that can give up a line, the one with the lowest weight does.
    """

    label: str
    text: str
    style: str = ""
    literal: bool = False
    most: int = 1
    least: int = 1
    weight: int = 50


def draw(title: str, sections: Iterable[Section], look: Look, *, height: int = 15, style: str = "") -> list[str]:
    """Return the lines of a box that is as wide as `look` allows.

    Args:
        title: Stands in the upper edge.
        sections: What stands in the box.
        look: What the terminal can show.
        height: Lines of the whole box.
        style: Of the title.
    """
    inner = look.width - 4
    wrapped = [(section, _wrap(section, look)) for section in sections]
    rows: list[tuple[str, str, str]] = []
    for section, lines, shown in _fit(wrapped, height - 2):
        kept = lines[:shown]
        if shown and shown < len(lines):
            kept[-1] = cut(f"{kept[-1]} {lines[shown]}", inner - LABEL_COLUMNS, look)
        rows += [(section.label if place == 0 else "", line, section.style) for place, line in enumerate(kept)]
    upper_left, across, upper_right, side, lower_left, lower_right = _FRAMES[look.unicode]
    title = cut(title, look.width - 6, look)
    edge = across * (look.width - columns(title) - 5) + upper_right
    out = [f"{upper_left}{across} {look.paint(title, style)} {edge}"]
    for label, line, text_style in rows:
        padding = " " * (inner - LABEL_COLUMNS - columns(line))
        text = look.paint(label.ljust(LABEL_COLUMNS), "faint") + look.paint(line, text_style)
        out.append(f"{side} {text}{padding} {side}")
    return [*out, lower_left + across * (look.width - 2) + lower_right]


def lines_needed(sections: Iterable[Section], look: Look) -> int:
    """Return how many lines a box has if no section gives up a line."""
    return 2 + sum(min(len(_wrap(section, look)), section.most) for section in sections)


def _wrap(section: Section, look: Look) -> list[str]:
    room = look.width - 4 - LABEL_COLUMNS
    if section.literal:
        return [cut("".join(char if char.isprintable() else " " for char in section.text), room, look)]
    lines = [""]
    for word in clean(section.text).split():
        longer = f"{lines[-1]} {word}".lstrip()
        if columns(longer) <= room:
            lines[-1] = longer
        else:
            lines += _pieces(word, room)
    return lines[1:] if len(lines) > 1 and not lines[0] else lines


def _pieces(word: str, room: int) -> list[str]:
    """Break a word that is wider than a line."""
    pieces = [""]
    for char in word:
        if columns(pieces[-1] + char) > room:
            pieces.append("")
        pieces[-1] += char
    return pieces


def _fit(wrapped: Sequence[tuple[Section, list[str]]], room: int) -> list[tuple[Section, list[str], int]]:
    """Say how many lines of each section are shown, so that all fit into `room` lines."""
    shown = [min(len(lines), section.most) for section, lines in wrapped]
    while sum(shown) > room:
        ready = [place for place, (section, _) in enumerate(wrapped) if shown[place] > section.least]
        if not ready:
            break
        shown[min(ready, key=lambda place: wrapped[place][0].weight)] -= 1
    return [(section, lines, count) for (section, lines), count in zip(wrapped, shown, strict=True)]
