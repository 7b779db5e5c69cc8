"""One traceback as text, with all that it chains, to `ErrorFacts`."""

import re
from dataclasses import replace

from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.text.frames import frame_in, frames_in
from otel_mldebug.rules.text.lines import is_record

CAUSED = re.compile(r"The above exception was the direct cause of the following exception:?\s*$")
DURING = re.compile(r"During handling of the above exception, another exception occurred:?\s*$")
HEAD = "Traceback (most recent call last)"
NOTEBOOK_HEAD = re.compile(r"([A-Za-z_][\w.]*)\s{1,200}Traceback \(most recent call last\)\s*$")
TYPE_LINE = re.compile(r"((?:[A-Za-z_]\w*\.){0,12}[A-Za-z_]\w*(?:\([\w.]+\))?)(?:: ?(.*)|\s*$)")
_RAY_TYPE = re.compile(r"[\w.]*RayTaskError\(([\w.]+)\)$")
MAX_DEPTH = 16
MAX_MESSAGE = 64 * 2**10


def is_marker(line: str) -> bool:
    """Return whether `line` joins two tracebacks of a chain."""
    return CAUSED.match(line) is not None or DURING.match(line) is not None


def facts_of_block(lines: list[str]) -> ErrorFacts | None:
    """Return the outermost exception of the chain in `lines`, with its causes; None when there is none.

    Args:
        lines: Lines from the head of the first traceback on, cleaned.
    """
    facts: ErrorFacts | None = None
    for part in _split_chain(lines):
        one = _facts_of_part(part)
        if one is not None:
            facts = replace(one, cause=facts) if facts is not None else one
    return facts


def _split_chain(lines: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if is_marker(line.strip()):
            parts.append([])
        else:
            parts[-1].append(line)
    if len(parts) > MAX_DEPTH:
        parts = parts[: MAX_DEPTH // 2] + parts[-MAX_DEPTH // 2 :]
    return parts


def _facts_of_part(lines: list[str]) -> ErrorFacts | None:
    """Return the facts of one traceback: frames up to the line with the type, the message from there on."""
    if any("Exception Group " + HEAD in line for line in lines):
        from otel_mldebug.rules.text.groups import facts_of_group  # late: groups hold tracebacks

        return facts_of_group(lines)
    place = _type_line(lines)
    if place is None:
        return None
    found = TYPE_LINE.match(lines[place])
    if found is None:
        return None
    name, first = found.group(1), found.group(2) or ""
    rest = [line.rstrip() for line in lines[place + 1 :]]
    while rest and rest[-1].strip() in ("", '"""', "'''"):
        rest.pop()
    message = "\n".join([first.rstrip(), *rest])[:MAX_MESSAGE]
    return ErrorFacts(type=unwrapped_type(name), message=message, frames=frames_in(lines[:place]))


def unwrapped_type(name: str) -> str:
    """Return the class behind names such as `ray.exceptions.RayTaskError(ValueError)`."""
    found = _RAY_TYPE.match(name)
    return found.group(1) if found else name.removeprefix("__main__.")


def is_class_name(name: str, notebook: str) -> bool:
    """Return whether `name` can be the class in the last line of a traceback.

    Args:
        name: What stands before the colon.
        notebook: Class that a notebook printed at the head; empty for other tracebacks.
    """
    last = name.rpartition(".")[2]
    if notebook:
        return last == notebook
    return last[:1].isupper() or last[:1] == "_" or "." in name or last.endswith(("error", "timeout"))


def _type_line(lines: list[str]) -> int | None:
    """Return the place of the line `Type: message`: the first that is not indented after the last frame."""
    seen_frame = False
    header = ""
    for place, line in enumerate(lines):
        if not line.strip() or line[0] in " \t":
            seen_frame = seen_frame or frame_in(line) is not None
            continue
        if HEAD in line:
            notebook = NOTEBOOK_HEAD.match(line)
            header = notebook.group(1).rpartition(".")[2] if notebook else header
            seen_frame = True
            continue
        if frame_in(line) is not None or line.startswith(("---", "[Previous line repeated", "-> ")):
            continue
        found = TYPE_LINE.match(line)
        if found is None:
            continue
        if not is_class_name(found.group(1), header) or is_record(line):
            continue
        if seen_frame or place == 0:
            return place
    return None
