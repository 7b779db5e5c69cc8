"""Where code comes from, judged by its path alone: the user's, the standard library's, or an installed package's."""

import re
from collections.abc import Sequence
from functools import lru_cache

from otel_mldebug.rules.facts import ErrorFacts, Frame

_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]([^/\\]+)", re.IGNORECASE)
_STDLIB = re.compile(
    r"(?:^|[/\\])(?:lib(?:64)?[/\\](?:python|pypy)\d[\d.]*t?|python\d+[\d.]*[/\\]lib|python\d+\.zip)[/\\]",
    re.IGNORECASE,
)
_CELL = re.compile(r"<ipython-input-|[/\\]ipykernel_\d+[/\\]|^(?:Cell )?In ?\[")
_TEMPORARY = re.compile(r"(?:/private)?/(?:tmp|var/folders|var/tmp|dev/shm)/")
_ROOT = re.compile(
    r"(?:[A-Za-z]:)?/(?:(?:home|Users|mnt|media|scratch|data)/[^/]+/|root/|app/|code/|src/|workspaces?/|content/"
    r"|kaggle/working/|opt/ml/code/|opt/|srv/|usr/src/(?:app/)?)?"
)
"""Where projects are put on a machine: says nothing about the project."""
_OURS = re.compile(r"[/\\]otel_mldebug[/\\]")
_DEMO = re.compile(r"[/\\]otel_mldebug[/\\]demo[/\\]")
"""The demo's script lies in our package and is a user's program all the same."""
_BUILTIN_MODULES = frozenset({"", "builtins", "__main__"})


@lru_cache(maxsize=2048)
def package_of(file: str) -> str:
    """Return the top-level package that `file` belongs to; `stdlib` for Python's own; empty for the user's code."""
    if _DEMO.search(file):
        return ""
    if installed := _INSTALLED.search(file):
        return installed.group(1).removesuffix(".py")
    if _OURS.search(file):
        return "otel_mldebug"
    if file.startswith(("<frozen ", "<__array_function__")) or _STDLIB.search(file):
        return "stdlib"
    return ""


def in_app(file: str) -> bool:
    """Return whether `file` is the user's code."""
    return not package_of(file)


@lru_cache(maxsize=2048)
def module_of(file: str) -> str:
    """Return a name of the file that does not depend on who runs it: `proj.train`, `torch.nn.modules.linear`.

    Of the user's files the last directory counts, unless it only says where on the machine they lie. Cells of a
    notebook are all `<cell>`: their file names are made up anew in each session.
    """
    if _CELL.search(file):
        return "<cell>"
    if file.startswith("<"):
        return file
    path = file.replace("\\", "/").removesuffix(".py").removesuffix("/__init__")
    if installed := re.search(r"/(?:site|dist)-packages/(.+)", path):
        return installed.group(1).replace("/", ".")
    if _TEMPORARY.match(path):
        return path.rpartition("/")[2]
    return ".".join(part for part in _ROOT.sub("", path).split("/")[-2:] if part not in ("", "."))


def library_of(facts: ErrorFacts) -> str:
    """Return the top-level package that raised: of the innermost frame that is not the user's, else of the type."""
    frame = library_frame(facts.frames)
    if frame is not None and (package := package_of(frame.file)):
        return package
    top = facts.type.partition(".")[0] if "." in facts.type else ""
    return "" if top in _BUILTIN_MODULES else top


def library_frame(frames: Sequence[Frame]) -> Frame | None:
    """Return the frame that raised if it is a package's, skipping the standard library below it; None otherwise."""
    for frame in reversed(frames):
        package = package_of(frame.file)
        if not package:
            return None if frame.in_app else frame
        if package != "stdlib":
            return frame
    return frames[-1] if frames else None
