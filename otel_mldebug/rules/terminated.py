"""A training that was asked to end from outside."""

from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category, Severity


def terminated(signal: str, steps: int, *, code: int | None) -> Finding | None:
    """Return what is said of a signal that ended a training; None before its first step: then there is nothing to lose.

    Args:
        signal: Its name.
        steps: Steps that are known to have ended by then.
        code: Exit code of the program; None where the signal itself ended it.
    """
    if steps <= 0:
        return None
    by_itself = code == 0
    after = f"{steps:,} training step{'s' * (steps != 1)}"
    return Finding(
        rule="process.terminated",
        category=Category.SYSTEM,
        severity=Severity.INFO if by_itself else Severity.WARNING,
        summary=f"{signal} came after {after}; the program then ended by itself, with exit code 0."
        if by_itself
        else f"{signal} ended the program after at least {after}.",
        cause="Somebody asked it to end: a scheduler at its time limit or for another job, a service manager, or kill.",
        solutions=(
            "Write checkpoints often enough, and start again from the last one.",
            "Ask the scheduler for a signal some minutes before its limit (Slurm: --signal=B:USR1@300) and save then.",
            "Ask for more time, or for fewer steps in one job.",
        ),
        prevention="Compare steps a second and the number of steps with the scheduler's time limit before the start.",
        confidence=1.0,
        basis="detector",
        evidence={"signal": signal, "steps": steps, "step": steps - 1, **({} if code is None else {"exit_code": code})},
    )
