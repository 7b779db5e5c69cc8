"""Training that makes no progress: whether that is a hang."""

import math
from collections.abc import Sequence

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.ranks import COLLECTIVE, RankView
from otel_mldebug.semconv.names import Category, Phase, Severity

LEAST_S = 60.0
"""Seconds without progress that count as a hang, at least, unless the settings say otherwise."""
BEFORE_FIRST_S = 300.0
"""The same before the first step: data is prepared, caches are filled, models are loaded."""
TIMES = 20.0
"""How many times the slowest usual step."""
GIVING_UP = 0.5
"""Share of the time after which a collective gives up and ends the program, from which on waiting in it is told: later
there is nobody left to tell where the other ranks are."""
BUSY_TIMES = 10.0
"""How many times longer a rank may be waited for that is seen to work: rank 0 evaluates or saves, the others wait."""
FRESH_S = 2.0
"""Every rank tells how it is once a second, more often where a hang is a matter of seconds: what is not older than
this, or than a third of the time that counts as a hang, is how it is now."""
_LEAST_FRESH_S = 0.75


def timeout_s(setting: float, slowest_s: float | None, collective_s: float | None = None) -> float:
    """Return how long no progress may take, seconds.

    Args:
        setting: `hang_timeout`: seconds; 0 for what the steps say; infinite for never.
        slowest_s: The slowest usual step, seconds; None before the first.
        collective_s: After how long the collective gives up that the rank is in, seconds; None elsewhere or if unknown.
    """
    if setting > 0:
        return setting
    usual_s = BEFORE_FIRST_S if slowest_s is None else max(LEAST_S, TIMES * slowest_s)
    return usual_s if collective_s is None else min(usual_s, GIVING_UP * collective_s)


def stuck(own: RankView, others: Sequence[RankView], limit_s: float) -> bool:
    """Return whether the training of a rank hangs.

    It has been in exactly the same place, without computing anything, for `limit_s`, and that place is one where
    training waits: a DataLoader, a collective, or anything inside the loop of the steps. A prompt, a server, or
    whatever else comes after training is not. A rank that is waited for and works may take longer.
    """
    position = own.position
    if own.ended or position.attended or own.idle_s < limit_s or math.isinf(limit_s):
        return False
    if position.phase == COLLECTIVE:
        there = [view for view in others if not (view.ended or view.gone)]
        fresh_s = max(_LEAST_FRESH_S, min(FRESH_S, limit_s / 3))
        if any(fresh_s < view.age_s < silent_s(limit_s) for view in there):
            return False  # a moment later it is clear whether that rank still answers
        busy = any(view.age_s <= fresh_s and view.idle_s < limit_s / 2 for view in there)
        return own.idle_s >= limit_s * BUSY_TIMES if busy else True
    return position.phase == Phase.DATA or (position.in_loop and own.steps > 0)


def silent_s(limit_s: float) -> float:
    """Return after how long a rank that was not heard of does not answer, seconds."""
    return max(3.0, min(10.0, limit_s / 2))


def resumed(step: int, idle_s: float) -> Finding:
    """Return the finding that says that training went on after all, with the step that had hung."""
    return Finding(
        rule="training.resumed",
        category=Category.TRAINING,
        severity=Severity.INFO,
        summary=f"Training went on with step {step}, after {idle_s:.0f} s without progress.",
        cause="What it had waited for came after all.",
        solutions=(
            "If waits like this are usual here, set OTEL_MLDEBUG_HANG_TIMEOUT above them.",
            "Look at the stacks in the finding training.hang for what was slow.",
        ),
        prevention="Give slow operations a timeout that is as long as they may take.",
        confidence=1.0,
        basis="detector",
        evidence={"step": step, "idle_s": round(idle_s, 1)},
    )
