"""What a thread is doing, judged by its stack alone."""

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import NamedTuple

from otel_mldebug.rules.origin import in_app
from otel_mldebug.rules.ranks import COLLECTIVE, Position
from otel_mldebug.semconv.names import Phase


class Place(NamedTuple):
    """One frame of a stack. `code` is its source line, stripped; empty when it is not available."""

    file: str
    function: str
    line: int
    code: str = ""


_DISTRIBUTED = re.compile(
    r"[/\\]torch[/\\]distributed[/\\](?:distributed_c10d|c10d_logger|rendezvous|utils\.py|nn[/\\])"
)
_FUNCTIONAL = re.compile(r"[/\\]torch[/\\](?:distributed[/\\]_functional_collectives|_ops)")
_LOADER = re.compile(r"[/\\]torch[/\\]utils[/\\]data[/\\](?:dataloader|_utils[/\\]fetch)\.py$")
_OPTIMIZER = re.compile(r"[/\\]torch[/\\]optim[/\\]")
_ENGINE = re.compile(r"[/\\]torch[/\\]autograd[/\\](?:graph|__init__)\.py$")
_MODULES = re.compile(r"[/\\]torch[/\\]nn[/\\]modules[/\\]module\.py$")
_PARALLEL = re.compile(r"[/\\]torch[/\\]nn[/\\]parallel[/\\]distributed\.py$")
_ATTENDED_FILES = re.compile(r"[/\\](?:pdb|bdb|cmd|code|pdbpp|ipdb|debugpy|pydevd\w*|IPython|ipykernel)(?:[/\\.]|$)")
_PROMPTS = re.compile(r"(?<![\w.])(?:input|raw_input|breakpoint|getpass)\s*\(|sys\.stdin\b|\.set_trace\(")
_WRAPPERS = frozenset({"wrapper", "_call_impl", "_wrapped_call_impl", "__call__"})
_SETTING_UP = frozenset({"init_process_group", "new_group", "_new_process_group_helper", "destroy_process_group"})


def position(
    frames: Sequence[Place], *, in_loop: bool = False, wrapped: bool = False, in_app: Callable[[str], bool] = in_app
) -> Position:
    """Return what the thread is doing.

    Args:
        frames: Its stack, outermost first.
        in_loop: Whether it is inside the loop that the steps are made in.
        wrapped: Whether a model is inside of DistributedDataParallel, which waits for other ranks in backward passes.
        in_app: Whether a file is the user's own.
    """
    last = next((number for number, frame in reversed(list(enumerate(frames))) if in_app(frame.file)), -1)
    own = frames[last] if last >= 0 else None
    place = "" if own is None else f"{own.function} ({PurePath(own.file).name}:{own.line})"
    attended = any(_ATTENDED_FILES.search(frame.file) for frame in frames[last + 1 :]) or bool(
        frames and _PROMPTS.search(frames[-1].code)
    )
    phase, operation = _phase(frames, wrapped)
    return Position(phase=phase, operation=operation, place=place, in_loop=in_loop, attended=attended)


def _phase(frames: Sequence[Place], wrapped: bool) -> tuple[str, str]:
    """Return phase and operation: the innermost frame that says something decides."""
    inside_forward = False
    for place, frame in reversed(list(enumerate(frames))):
        if _DISTRIBUTED.search(frame.file) or (_PARALLEL.search(frame.file) and place == len(frames) - 1):
            return COLLECTIVE, _operation(frames[place:], frames[: place + 1])
        if _FUNCTIONAL.search(frame.file) and "wait" in frame.function:
            return COLLECTIVE, frame.function
        if _LOADER.search(frame.file):
            return Phase.DATA.value, ""
        if _ENGINE.search(frame.file) and place >= len(frames) - 2:
            return (COLLECTIVE, "gradient synchronisation") if wrapped else (Phase.BACKWARD.value, "")
        if _ENGINE.search(frame.file):
            return Phase.BACKWARD.value, ""
        if _OPTIMIZER.search(frame.file):
            return Phase.OPTIMIZER.value, ""
        inside_forward = inside_forward or bool(_MODULES.search(frame.file))
    return (Phase.FORWARD.value if inside_forward else Phase.OTHER.value), ""


def _operation(inner: Sequence[Place], outer: Sequence[Place]) -> str:
    """Return the name of the collective: the outermost function of `torch.distributed` on the stack."""
    setting_up = [frame.function for frame in (*outer, *inner) if frame.function in _SETTING_UP]
    if setting_up:
        return setting_up[0]
    named = [
        frame.function
        for frame in (*outer, *inner)
        if (_DISTRIBUTED.search(frame.file) or _PARALLEL.search(frame.file)) and frame.function not in _WRAPPERS
    ]
    return "" if not named else "gradient synchronisation" if named[0] in ("__init__", "forward") else named[0]
