"""What is said of a hang: who waits, who is missing, and what to try."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.ranks import COLLECTIVE, Position, RankView
from otel_mldebug.semconv.names import Category, Phase, Severity


def hang(own: RankView, others: Sequence[RankView], silent_s: float) -> Finding:
    """Return the finding about a hang that one rank has noticed, which says the same whichever rank notices.

    Args:
        own: The rank that has noticed.
        others: What is known of the others.
        silent_s: How long ago a rank was heard of, seconds, that does not answer any more.
    """
    others = [_unanswering(view) if view.age_s >= silent_s else view for view in others]
    views = sorted([own, *others], key=lambda view: view.rank)
    waiting = [view for view in views if _waits(view)]
    if not waiting:
        return _alone(own)
    missing = [view for view in views if view not in _latest(waiting)]
    if missing:
        return _missing(missing, _latest(waiting))
    unheard = sorted(set(range(own.world_size)) - {view.rank for view in views})
    return _unheard(waiting, unheard) if unheard else _mismatched(waiting)


def _unanswering(view: RankView) -> RankView:
    """Return a rank without what it last said of its place: that says nothing of now."""
    return view if view.ended or view.gone else replace(view, position=_UNKNOWN)


_UNKNOWN = Position(phase="", place="")


def _waits(view: RankView) -> bool:
    return view.position.phase == COLLECTIVE and not (view.ended or view.gone)


def _answers(view: RankView) -> bool:
    return not view.gone and view.position is not _UNKNOWN


def _left(view: RankView) -> bool:
    """Return whether a rank has left the loop that it made its steps in."""
    return view.steps > 0 and not view.position.in_loop and view.position.phase not in (COLLECTIVE, Phase.DATA.value)


def _latest(waiting: Sequence[RankView]) -> list[RankView]:
    """Return those that wait in the collective that has got furthest."""
    numbers = [view.collective.number for view in waiting if view.collective is not None]
    if len(numbers) == len(waiting):
        return [view for view in waiting if view.collective is not None and view.collective.number == max(numbers)]
    return list(waiting)


def _missing(missing: Sequence[RankView], waiting: Sequence[RankView]) -> Finding:
    first, late = missing[0], [view.rank for view in missing]
    step = max(view.steps for view in waiting)
    what = _operation(waiting[0])
    uneven = any(view.ended or (_answers(view) and (view.steps != step or _left(view))) for view in missing)
    summary = (
        f"{_ranks(late, capital=True)} {'is' if len(missing) == 1 else 'are'} missing in {what} of step {step}: "
        f"{_about(first)}. {_ranks([view.rank for view in waiting], capital=True)} "
        f"{'waits' if len(waiting) == 1 else 'wait'} for it."
    )
    solutions: tuple[str, ...] = (
        f"Look at what rank {first.rank} does there: a lock, a file system or network that does not answer, a long "
        "evaluation or checkpoint under a condition on the rank, an exception that was swallowed.",
        "Make every rank take part in every collective, in the same order: no `if rank == 0` around one.",
    )
    cause = f"A collective ends only when every rank takes part in it. Rank {first.rank} has not come to this one."
    if uneven:
        cause += " The ranks are not at the same step: they may have different numbers of batches."
        solutions = (
            "Give all ranks the same number of batches: DistributedSampler, drop_last=True, or `with model.join():`.",
            *solutions,
        )
    return _finding(
        Category.DISTRIBUTED,
        summary,
        cause,
        solutions,
        confidence=0.95,
        rank=first.rank,
        missing=tuple(late),
        waiting=tuple(view.rank for view in waiting),
        steps=tuple(view.steps for view in sorted([*missing, *waiting], key=lambda view: view.rank)),
        step=step,
        **({"missing_at": first.position.place} if first.position.place and not (first.gone or first.ended) else {}),
        **_of(waiting[0].position, COLLECTIVE),
        **_collective(waiting[0]),
    )


def _mismatched(waiting: Sequence[RankView]) -> Finding:
    each = "; ".join(f"rank {view.rank} in {_operation(view)} at step {view.steps}" for view in waiting[:8])
    return _finding(
        Category.DISTRIBUTED,
        f"All ranks wait for each other in collectives: {each}.",
        "The ranks have come to different collectives, or to the same one with other shapes; or the network between "
        "them does not answer.",
        (
            "Call the same collectives in the same order on all ranks, with tensors of the same shape and type.",
            "Give all ranks the same number of batches, and look for conditions on the rank or on the data.",
            "If the collectives are the same: check the network interface (NCCL_SOCKET_IFNAME, GLOO_SOCKET_IFNAME) and "
            "the firewall.",
        ),
        confidence=0.9,
        rank=min(waiting, key=lambda view: view.steps).rank,
        waiting=tuple(view.rank for view in waiting),
        steps=tuple(view.steps for view in waiting),
        step=max(view.steps for view in waiting),
        **_of(waiting[0].position, COLLECTIVE),
        **_collective(waiting[0]),
    )


def _unheard(waiting: Sequence[RankView], unheard: Sequence[int]) -> Finding:
    first = waiting[0]
    waits = "has waited" if len(waiting) == 1 else "have waited"
    return _finding(
        Category.DISTRIBUTED,
        f"{_ranks([view.rank for view in waiting], capital=True)} {waits} in {_operation(first)} of step {first.steps} "
        f"for {first.idle_s:.0f} s; nothing was heard of {_ranks(unheard)}.",
        "A collective ends only when every rank takes part in it. A rank that nothing was heard of has not begun to "
        "train, was not started, or runs on another host.",
        (
            "See whether all ranks were started, with the same world size, and what they print.",
            "See where they are: py-spy dump --pid PID on each host.",
            "Let OTEL_MLDEBUG_STORE name one directory for all hosts: then the missing one is named.",
        ),
        confidence=0.8,
        rank=unheard[0],
        unheard=tuple(unheard[:64]),
        waiting=tuple(view.rank for view in waiting),
        step=first.steps,
        **_of(first.position, COLLECTIVE),
        **_collective(first),
    )


_WAITS: Mapping[str, tuple[Category, str, str, tuple[str, ...]]] = {
    Phase.DATA.value: (
        Category.DATA,
        "waiting for the next batch",
        "A worker of the DataLoader, or the dataset itself, does not answer.",
        (
            "Run once with num_workers=0: the place in the dataset that does not return then stands in the stack.",
            "With worker processes, keep locks, open files, database and CUDA handles out of the dataset: a fork "
            "copies them in whatever state they are; or use multiprocessing_context='spawn'.",
            "Give the DataLoader a timeout, so that a stuck worker becomes an error.",
        ),
    ),
    Phase.BACKWARD.value: (
        Category.TRAINING,
        "in the backward pass",
        "A hook or custom function in the backward pass waits for something that does not come.",
        (
            "Look at hooks and custom autograd functions: locks, prints to a closed pipe, calls to other processes.",
            "See the stacks of all threads in this finding for who holds what is waited for.",
        ),
    ),
}
_ELSEWHERE = (
    Category.TRAINING,
    "in {place}",
    "The training thread waits for something that does not come: a lock, a queue, another process, a file system or a "
    "network.",
    (
        "See the stacks of all threads in this finding: who holds the lock, who should fill the queue?",
        "Give the call a timeout, so that it becomes an error that says where.",
        "After a fork, locks that another thread held stay locked for ever: use spawn, or fork before threads.",
    ),
)


def _alone(own: RankView) -> Finding:
    category, doing, cause, solutions = _WAITS.get(own.position.phase, _ELSEWHERE)
    place = own.position.place
    doing = doing.format(place=place or "code outside of the program")
    who = f"Rank {own.rank}: no" if own.world_size > 1 else "No"
    at = f", from {place}" if place and place not in doing else ""
    return _finding(
        category,
        f"{who} progress at step {own.steps} for {own.idle_s:.0f} s: {doing}{at}.",
        cause,
        solutions,
        confidence=0.9,
        step=own.steps,
        idle_s=round(own.idle_s, 1),
        **({"rank": own.rank} if own.world_size > 1 else {}),
        **_of(own.position, own.position.phase),
    )


def _about(view: RankView) -> str:
    """Return what is known of a rank that is missing."""
    if view.gone:
        return f"its process is gone, after {view.steps} steps"
    if view.ended:
        return f"it has ended training after {view.steps} steps"
    if view.position is _UNKNOWN:
        return f"it does not answer, heard of last at step {view.steps}, {view.age_s:.0f} s ago"
    at = f" at step {view.steps}"
    if view.position.phase == COLLECTIVE:
        return f"it waits in {_operation(view)}{at}"
    if view.position.phase == Phase.DATA:
        return f"it waits for its next batch{at}"
    place = view.position.place or "code outside of the program"
    if _left(view):
        return f"it has left the loop of its steps after {view.steps} of them, and is in {place}"
    return f"it is in {place}{at}"


def _operation(view: RankView) -> str:
    """Return the collective as people would name it."""
    name, collective = view.position.operation, view.collective
    if collective is None or collective.done:
        return name or "a collective"
    number = f"{collective.name} number {collective.number}"
    return number if not name or name == collective.name else f"{name} ({number})"


def _collective(view: RankView) -> dict[str, str | int]:
    collective = view.collective
    if collective is None:
        return {}
    return {"collective": collective.name, "collective_number": collective.number, "group": collective.group}


def _of(position: Position, phase: str) -> dict[str, str]:
    found = {"phase": phase, "operation": position.operation, "place": position.place}
    return {name: value for name, value in found.items() if value}


def _ranks(ranks: Sequence[int], *, capital: bool = False) -> str:
    some = ", ".join(map(str, ranks[:8])) + (f" and {len(ranks) - 8} more" if len(ranks) > 8 else "")
    text = f"rank{'s' * (len(ranks) > 1)} {some}"
    return text[0].upper() + text[1:] if capital else text


def _finding(
    category: Category,
    summary: str,
    cause: str,
    solutions: tuple[str, ...],
    *,
    confidence: float,
    **evidence: str | int | float | tuple[int, ...],
) -> Finding:
    return Finding(
        rule="training.hang",
        category=category,
        severity=Severity.CRITICAL,
        summary=summary,
        cause=cause,
        solutions=solutions,
        prevention="Give collectives, data loading and calls to the outside a timeout as long as they may take.",
        confidence=confidence,
        basis="detector",
        evidence=evidence,
    )
