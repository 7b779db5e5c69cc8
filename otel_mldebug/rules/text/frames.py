"""The lines between the head of a traceback and its last line: frames, as Python, IPython and Ray print them."""

import re
from dataclasses import replace

from otel_mldebug.rules.facts import Frame
from otel_mldebug.rules.origin import in_app

MAX_FRAMES = 64
_HEAD_FRAMES = 16
_PYTHON = re.compile(r'\s*File "([^"]{1,1000})", line (\d{1,9})(?:, in (.{1,300}))?\s*$')
_IPYTHON = (
    re.compile(r"File (\S.{0,500}?):(\d{1,9}), in ([^\s(]{1,300})"),
    re.compile(r"(?P<cell>Cell In ?\[\d*\]), line (?P<line>\d{1,9})(?:, in (?P<function>[^\s(]+))?"),
    re.compile(r"(?P<cell>Input In \[[\d ]*\]), in (?P<function>[^\s(]+)"),
    re.compile(r"(?P<cell><ipython-input-[\w-]+>) in (?P<function>[^\s(]+)"),
    re.compile(r"((?:[~/]|[A-Z]:\\)\S.{0,500}?) in ([^\s(]{1,300})\("),
)
_ARROW = re.compile(r"-{1,6}> (\d{1,9}) ?(.*)")
_MARKERS = re.compile(r"\s*[~^]+\s*$")


_PANEL = re.compile(r"[│|] ?(.*?)\s*[│|]?\s*$")
_PANEL_FRAME = re.compile(r"(?:(\S.{0,500}?):(\d{1,9}) in (\S{1,300})|in (\S{1,300}):(\d{1,9}))$")
_PANEL_ARROW = re.compile(r"\s*❱\s*\d{1,9}\s(?:[│|]\s)*\s*(.*)")


def unpanelled(line: str) -> str:
    """Return a line of a traceback that rich has framed in a panel as Python would have printed it; else `line`."""
    if line[:1] not in "│╰":
        return line
    found = _PANEL.match(line)
    inside = found.group(1) if found is not None else ""
    if (frame := _PANEL_FRAME.match(inside)) is not None:
        file, number, function, bare, bare_number = frame.groups()
        return f'  File "{file or "<unknown>"}", line {number or bare_number}, in {function or bare}'
    if (arrow := _PANEL_ARROW.match(inside)) is not None:
        return "    " + arrow.group(1)
    return ""


def frame_in(line: str) -> Frame | None:
    """Return the frame that `line` announces; None for any other line."""
    found = _PYTHON.match(line) if 'File "' in line else None
    if found is not None:
        file, number, function = found.groups()
        return Frame(file=file, function=(function or "<module>").strip(), line=int(number), in_app=in_app(file))
    return _notebook_frame(line)


def _notebook_frame(line: str) -> Frame | None:
    if (found := _IPYTHON[0].match(line)) is not None:
        file, number, function = found.groups()
        return Frame(file=file, function=function, line=int(number), in_app=in_app(file))
    for expression in _IPYTHON[1:4]:
        if (found := expression.match(line)) is not None:
            known = found.groupdict()
            number = known.get("line")
            function = known.get("function") or "<module>"
            if function.startswith("<cell"):
                function = "<module>"
            return Frame(file=known["cell"], function=function, line=int(number) if number else None)
    if (found := _IPYTHON[4].match(line)) is not None:
        file, function = found.groups()
        return Frame(file=file, function=function, in_app=in_app(file))
    return None


def frames_in(lines: list[str]) -> tuple[Frame, ...]:
    """Return the frames announced in `lines`, with their source lines, outermost first, bounded."""
    frames: list[Frame] = []
    for line in lines:
        if (frame := frame_in(line)) is not None:
            frames.append(frame)
            if len(frames) > 4 * MAX_FRAMES:
                del frames[_HEAD_FRAMES : -2 * MAX_FRAMES]
        elif frames and (arrow := _ARROW.match(line)) is not None:
            frames[-1] = replace(frames[-1], line=int(arrow.group(1)), code=arrow.group(2).strip()[:400])
        elif frames and not frames[-1].code and line.startswith("    ") and not _MARKERS.match(line):
            frames[-1] = replace(frames[-1], code=line.strip()[:400])
    if len(frames) > MAX_FRAMES:
        frames = frames[:_HEAD_FRAMES] + frames[_HEAD_FRAMES - MAX_FRAMES :]
    return tuple(frames)
