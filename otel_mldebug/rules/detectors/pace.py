"""How busy the machine is, as training itself feels it."""

from collections.abc import Sequence

from otel_mldebug.rules.steps import StepRecord


def pace(steps: Sequence[StepRecord], *, part: float = 0.5, machine: float = 1.0) -> float:
    """Return which share of a processor the training thread gets while it computes, 0 to 1; 1 when unknown.

    On a busy machine, or in a container that has used up its share, everything takes longer than it would: workers
    that make data do, too. A GPU works while the thread waits, so of steps on one nothing is known.

    Args:
        steps: Of one optimizer.
        part: Of the steps, 0 to 1, that get no more than that: half of them, unless told otherwise. On a busy machine
            some steps have to wait for long although the one in the middle does not.
        machine: What is known of the machine itself, 0 to 1: a thread that sleeps in between is let in first, while
            workers that compute all the time get no more than this.
    """
    shares = sorted(r.cpu_s / work for r in steps if r.cpu_s and r.gpu_s is None and (work := _work_s(r)) > 0)
    if not shares:
        return machine
    low, rest = divmod(part * (len(shares) - 1), 1)
    above = shares[min(int(low) + 1, len(shares) - 1)]
    return min(machine, shares[int(low)] * (1 - rest) + above * rest)


def _work_s(record: StepRecord) -> float:
    return (record.forward_s or 0.0) + (record.backward_s or 0.0) + (record.optimizer_s or 0.0)
