"""When a guarded loop goes on, what it can do about a failure, and what it says in the end."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from typing_extensions import override

from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How many failures a loop bears. The failure that exceeds a limit is raised.

    Attributes:
        max_failures: Failed batches in all, 0 or more; None for no limit.
        max_consecutive: Failed batches in a row, 0 or more; None for no limit.
        stop_on: Categories of findings that end the loop at once, unless an action asks for another attempt. Memory by
            default: what did not fit once will hardly fit the next time.
        max_retries: Calls of the step for one batch after the first, for actions that ask for them; 0 or more.
    """

    max_failures: int | None = 10
    max_consecutive: int | None = 3
    stop_on: Collection[Category | str] = (Category.MEMORY,)
    max_retries: int = 1


class Action(str, Enum):
    """What becomes of a batch that failed."""

    SKIP = "skip"  # Leave it out and go on.
    RETRY = "retry"  # Call the step with it again: what was in its way is gone.
    STOP = "stop"  # Raise what it raised.

    @override
    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """What an action gets to know of a failure.

    Attributes:
        index: Number of the batch, from 0.
        batch: The batch itself; None when it could not be loaded.
        kind: `exception`, `loss` (it was not finite) or `data` (the batch could not be loaded).
        exception: Class of what was raised; empty for a loss. The variables of its frames have been let go, so that
            the memory they held is free.
        attempt: Calls of the step for this batch so far, 1 or more; 0 when it could not be loaded.
    """

    index: int
    batch: Any
    kind: str
    exception: str = ""
    attempt: int = 1


class Recovery(Protocol):
    """Does something about a failure, such as lowering the learning rate, and says how to go on."""

    def __call__(self, finding: Finding, failed: Failed) -> Action:
        """Return what becomes of the batch. What this raises is logged, and the batch is skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One batch that failed.

    Attributes:
        index: Number of the batch, from 0.
        kind: `exception`, `loss` or `data`.
        batch: What it was like: shapes and types instead of contents.
        finding: What was wrong.
        action: What became of it.
        raised: Class and message of what was raised, without secrets and shortened; empty for a loss.
    """

    index: int
    kind: str
    batch: str
    finding: Finding
    action: Action
    raised: str = ""

    @override
    def __str__(self) -> str:
        raised = f" {self.raised}" if self.raised else ""
        return f"batch {self.index} ({self.batch}): {self.finding.summary} [{self.finding.rule}]{raised}, {self.action}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSummary:
    """What a guarded loop did.

    Attributes:
        batches: Batches that were taken, failed ones included.
        done: Those whose step went well, perhaps after another attempt.
        skipped: Those that were left out.
        failures: Failures one by one, at most `MOST_KEPT`.
        num_failures: How many there were.
        rules: How many failures each rule knew.
        stopped: Why the loop ended before its batches did; empty if it did not.
    """

    batches: int = 0
    done: int = 0
    skipped: int = 0
    failures: tuple[Failure, ...] = ()
    num_failures: int = 0
    rules: Mapping[str, int] = field(default_factory=dict)
    stopped: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the same as plain JSON values."""
        return {
            "batches": self.batches,
            "done": self.done,
            "skipped": self.skipped,
            "num_failures": self.num_failures,
            "rules": dict(self.rules),
            **({"stopped": self.stopped} if self.stopped else {}),
            "failures": [
                {"index": f.index, "kind": f.kind, "batch": f.batch, "action": str(f.action),
                 **({"raised": f.raised} if f.raised else {}), "finding": f.finding.to_json()}
                for f in self.failures
            ],
        }  # fmt: skip

    @override
    def __str__(self) -> str:
        head = f"{self.done} of {self.batches} batches done, {self.skipped} skipped, {self.num_failures} failures"
        more = [f"stopped: {self.stopped}"] if self.stopped else []
        left = self.num_failures - len(self.failures)
        hidden = [f"  … and {left} more"] if left > 0 else []
        return "\n".join([head, *more, *(f"  {failure}" for failure in self.failures), *hidden])


MOST_KEPT = 100
"""Failures that a summary shows one by one."""
