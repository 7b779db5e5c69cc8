"""How a program ended, what was watched, and why no training step was seen, in words. Pure."""

import signal
from collections.abc import Mapping
from typing import Any

from otel_mldebug.cli.render import number, seconds, size
from otel_mldebug.cli.seen import Seen

_MEANINGS = {
    "SIGINT": "It was interrupted from the keyboard, or by whoever started it.",
    "SIGSEGV": "Native code crashed: run it with python -X faulthandler to see the line.",
    "SIGABRT": "Native code gave up: its message stands above; python -X faulthandler shows the line.",
    "SIGBUS": "Native code crashed; in a container often because /dev/shm is too small for the DataLoader's workers.",
    "SIGFPE": "Native code crashed: run it with python -X faulthandler to see the line.",
    "SIGILL": "A library was built for another processor: reinstall it for this one.",
    "SIGTERM": "Somebody asked it to end: a scheduler at its time limit, a service manager, or kill.",
    "SIGKILL": "It could not say why. Usual reasons: no memory left, a scheduler's time limit, kill -9.",
    "SIGHUP": "Its terminal or connection went away: nohup, tmux or a scheduler keeps it running.",
}


def ended(seen: Seen) -> str:
    """Return how the program ended, with what that usually means; empty when it ended well."""
    ending = seen.ending
    after = seconds((ending.ended_ns - ending.started_ns) / 1e9)
    name = ending.signal_name or _signal_of(ending.code)
    if not ending.code and not name:
        return _oom(seen)
    if ending.signal_name:
        verb = "was ended by" if name in ("SIGTERM", "SIGINT", "SIGHUP") else "was killed by"
        text = f"{seen.label} {verb} {name} after {after}."
    elif name:
        text = f"{seen.label} ended with exit code {ending.code} after {after}: {name} hit a process of it."
    else:
        text = f"{seen.label} ended with exit code {ending.code} after {after}."
    if name in ending.handed_on:
        return f"{text} The signal was sent to otel-mldebug, which handed it on."
    if seen.oom_kills:
        return f"{text} {_oom(seen)}"
    return f"{text} {_MEANINGS[name]}" if name in _MEANINGS else text


def _oom(seen: Seen) -> str:
    if not seen.oom_kills:
        return ""
    peak = f"; the largest had {size(seen.ending.peak_bytes)}" if seen.ending.peak_bytes else ""
    processes = "a process" if seen.oom_kills == 1 else f"{seen.oom_kills} processes"
    return f"The kernel killed {processes} of this control group for lack of memory{peak}."


def _signal_of(code: int | None) -> str:
    """Return the signal that a shell's exit code stands for; empty when it stands for none."""
    if code is None or not 128 < code < 160:
        return ""
    try:
        return signal.Signals(code - 128).name
    except ValueError:
        return ""


def watched(seen: Seen) -> str:
    """Return what was watched, or why no training step was seen."""
    # A finding is on disk at once, a step a little later: of a program that is killed the last ones are missing.
    # The step that an exception ended, or that hung, never came to its own end, so it is none.
    least = max(
        (f["step"] + (not _unended(f)) for f in seen.findings if f.get("step") is not None),
        default=0,
    )
    if not seen.steps and not least:
        return no_steps(seen)[0]
    facts = seen.watched
    parts = [f"at least {least:,} steps" if least > seen.steps else f"{seen.steps:,} step{'s' * (seen.steps != 1)}"]
    if len(seen.ranks) > 1:
        parts[0] += f" on each of {len(seen.ranks)} ranks"
    if optimizers := facts.get("optimizers"):
        parts.append(" + ".join(map(str, optimizers[:3])))
    if parameters := facts.get("parameters"):
        models = [str(name) for name in facts.get("models") or ()]
        named = f"{len(models)} models" if len(models) > 1 else f"one model ({models[0]})" if models else "one model"
        parts.append(f"{named} of {_count(parameters)} parameters")
    if facts.get("torch"):
        parts.append(f"PyTorch {str(facts['torch']).partition('+')[0]}")
    if seen.losses:
        first, last = seen.losses[0], seen.losses[-1]
        parts.append(f"loss {number(first)} to {number(last)}")
    if seen.dropped:
        parts.append(f"{seen.dropped:,} records given up for lack of room")
    return ", ".join(parts)


def _unended(finding: Mapping[str, Any]) -> bool:
    return "exception" in finding or finding.get("rule") in ("training.hang", "process.terminated")


def no_steps(seen: Seen) -> tuple[str, str]:
    """Return why no training step was seen, and what to do about it; the latter may be empty."""
    if seen.disabled:
        return f"nothing: switched off by {seen.disabled}", ""
    if seen.unkept:
        return f"nothing was kept: {seen.unkept}", "Name a directory that can be written: --store DIR"
    if seen.isolated:
        return (
            f"nothing: Python was started with {seen.isolated}, which keeps it from loading otel-mldebug",
            f"Leave {seen.isolated} out, or call otel_mldebug.configure() in the program.",
        )
    here = [note for note in seen.notes if note.what == "watched"]
    absent = [note for note in seen.notes if note.what == "absent"]
    failed = [note for note in seen.notes if note.what == "failed"]
    if failed and not here:
        return f"nothing: otel-mldebug could not start in the program ({failed[0].detail})", "Run: otel-mldebug doctor"
    if absent and not here:
        python = absent[0].python
        return (
            f"nothing: the program ran under {python}, which has no otel-mldebug",
            f"Run: {python} -m pip install otel-mldebug",
        )
    if not here:
        return "nothing: no Python process was seen", (
            "If there was one: did it reset PYTHONPATH, or run in a container or on another host?"
        )
    if seen.torch_off:
        return f"uncaught errors, not training: switched off by {seen.torch_off}", ""
    versions = [note.detail for note in seen.notes if note.what == "torch"]
    if versions or seen.watched.get("torch"):
        version = (versions or [str(seen.watched.get("torch"))])[0].partition("+")[0]
        return f"uncaught errors; PyTorch {version} was imported, and no optimizer took a step", ""
    if seen.ending.signal is not None:
        return "uncaught errors; it ended before a training step was seen", ""
    return "uncaught errors; PyTorch was not imported, so there was no training to see", ""


def _count(parameters: float) -> str:
    """Return a number of parameters: `950`, `0.2 M`, `7.0 B`."""
    if parameters < 50_000:
        return f"{parameters:,.0f}"
    return f"{parameters / 1e6:.1f} M" if parameters < 1e9 else f"{parameters / 1e9:.1f} B"
