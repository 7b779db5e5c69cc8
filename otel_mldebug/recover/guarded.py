"""`guarded_loop`: a training loop that one bad batch does not end."""

import math
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from traceback import clear_frames
from typing import Any

from otel_mldebug._guard import guard, log
from otel_mldebug.errors import UsageError
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training import progress
from otel_mldebug.instrument.training.explicit import current, recorder
from otel_mldebug.instrument.training.steps.numbers import Promise, Sent, number
from otel_mldebug.recover.losses import NonFiniteLossError, not_finite
from otel_mldebug.recover.policy import MOST_KEPT, Action, Failed, Failure, LoopSummary, Policy, Recovery
from otel_mldebug.rules.capture import facts_of
from otel_mldebug.rules.describe import describe
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.redact import DEFAULT
from otel_mldebug.semconv.names import Category, Severity

MOST_SAID = 160
"""Characters of what was raised in a summary."""
_END = object()
_UNKNOWN = Finding(
    rule="unknown",
    category=Category.UNKNOWN,
    severity=Severity.ERROR,
    summary="A step failed.",
    confidence=0.0,
    basis="none",
)
"""Stands for a failure that could not be explained."""


def guarded_loop(
    batches: Iterable[Any],
    step: Callable[[Any], Any],
    *,
    policy: Policy = Policy(),  # noqa: B008  (frozen)
    recover: Recovery | None = None,
    record: bool | None = None,
) -> LoopSummary:
    """Call `step` with each batch; leave out those that fail, and go on as long as the policy allows.

    A batch fails when loading it or the step raises, or when the step returns a loss that is not finite. The loss is
    looked at after the step: call `check_finite(loss)` in it, before backward, to keep such a batch from the weights.
    Ctrl-C, SystemExit and whatever else is no `Exception` pass through.

    Args:
        batches: Whatever can be iterated over.
        step: Does one step and returns its loss: a number of any kind, a dict with `loss`, or None.
        policy: How many failures are borne.
        recover: Does something about a failure and says how to go on; by default the batch is skipped.
        record: Whether each call of `step` is recorded as one training step. By default that is so unless PyTorch's own
            steps are recorded already.

    Returns:
        What was done. When the policy ends the loop, what the last batch raised is raised instead, unchanged, with the
        summary as its attribute `mldebug_summary`.

    Raises:
        NonFiniteLossError: the loss that exceeded the limits was not finite.
        UsageError: a limit is negative.
    """
    for name in ("max_failures", "max_consecutive", "max_retries"):
        if (limit := getattr(policy, name)) is not None and limit < 0:
            raise UsageError(f"Policy({name}={limit}): give 0 or more, or None for no limit.")
    return _Loop(step, policy, recover, _recording(record)).run(batches)


class _Loop:
    """One loop that is running."""

    def __init__(self, step: Callable[[Any], Any], policy: Policy, recover: Recovery | None, record: bool) -> None:
        self._step, self._policy, self._recover = step, policy, recover
        self._recorder = recorder() if record else None
        self._index = -1
        self._done = self._skipped = self._failed = self._row = 0
        self._failures: list[Failure] = []
        self._rules: Counter[str] = Counter()
        self._pending: deque[tuple[int, str, Promise | Sent]] = deque()

    def run(self, batches: Iterable[Any]) -> LoopSummary:
        iterator = iter(batches)
        while True:
            self._index += 1
            problem: Exception | None = None
            batch = None
            try:
                batch = next(iterator, _END)
            except Exception as exc:  # noqa: BLE001  (the policy says what becomes of it)
                problem = exc
            if problem is not None:
                self._bear(problem, None, "data", 0)
                problem = None
                continue
            if batch is _END:
                self._index -= 1
                break
            self._one(batch)
            self._settle(wait=False)
        self._settle(wait=True)
        return self._summary("")

    def _one(self, batch: Any) -> None:
        """Do one batch, as often as actions ask for it."""
        for attempt in range(1, self._policy.max_retries + 2):
            problem = self._attempt(batch)
            if problem is None:
                self._done += 1
                self._row = 0
                return
            kind = "loss" if isinstance(problem, NonFiniteLossError) else "exception"
            action = self._bear(problem, batch, kind, attempt)
            problem = None
            if action is not Action.RETRY:
                return

    def _attempt(self, batch: Any) -> Exception | None:
        """Call the step once; return what it raised, or what its loss would have to raise."""
        try:
            with self._recorder.step() if self._recorder is not None else nullcontext() as marked:
                loss = self._step(batch)
                loss = loss.get("loss") if isinstance(loss, dict) else loss
                found = None if loss is None else number(loss, "loss")
                if marked is not None:
                    marked.set(loss=loss)
        except Exception as exc:  # noqa: BLE001  (the policy says what becomes of it)
            return exc
        if isinstance(found, (Promise, Sent)):
            self._pending.append((self._index, describe(batch), found))
        elif found is not None and not math.isfinite(found):
            return NonFiniteLossError(found, self._index)
        return None

    def _settle(self, *, wait: bool) -> None:
        """Look at losses that a device was still computing: their batches have been done, and so count as failed."""
        while self._pending and (self._pending[0][2].ready() or wait):
            if not self._pending[0][2].ready():
                time.sleep(0.001)  # there is nothing left to do but to wait for the last losses
                continue
            index, like, pending = self._pending.popleft()
            value = pending.read()
            if value is not None and not math.isfinite(value):
                self._done -= 1
                problem = NonFiniteLossError(value, index)
                self._row += 1
                self._keep(self._told(problem, index, like)[0], index, like, "loss", Action.SKIP)
                if reason := self._limit():
                    raise self._with_summary(problem, reason)

    def _bear(self, problem: Exception, batch: Any, kind: str, attempt: int) -> Action:
        """Report a failure and decide what becomes of its batch.

        Raises:
            Exception: `problem` itself, when the loop is to end.
        """
        index, like = self._index, "could not be loaded" if attempt == 0 else describe(batch)
        finding, raised = self._told(problem, index, like)
        if attempt <= 1:
            self._row += 1
        reason = (
            "several ranks train together, and the others would wait for this batch for ever" if _together() else ""
        )
        kind_raised = "" if kind == "loss" else type(problem).__qualname__
        if self._recover is not None:
            clear_frames(problem.__traceback__)  # they hold tensors, and an action may need the memory
        action = Action.STOP
        if not reason:
            failed = Failed(index=index, batch=batch, kind=kind, exception=kind_raised, attempt=attempt)
            action = self._decided(finding, failed)
            if action is Action.RETRY and (attempt == 0 or attempt > self._policy.max_retries):
                action = Action.SKIP
            if action is Action.SKIP and str(finding.category) in {str(category) for category in self._policy.stop_on}:
                action, reason = Action.STOP, f"a finding of the category {finding.category}, {finding.rule}"
        self._keep(finding, index, like, kind, action, raised)
        reason = reason or self._limit()
        if reason or action is Action.STOP:
            raise self._with_summary(problem, reason or "an action asked for it")
        return action

    def _told(self, problem: Exception, index: int, like: str) -> tuple[Finding, str]:
        """Report a failure; return what was found, and class and message of what was raised, without secrets."""
        if isinstance(problem, NonFiniteLossError):
            finding = not_finite(problem.value, index if problem.index is None else problem.index)
            if not current().reporter.firing("loss.nonfinite"):  # else it has been told, with where it comes from
                context = {"batch": index, "batch_content": like}
                sinks.current().finding(finding, step=progress.context().get("step"), context=context)
            return finding, ""
        raised = type(problem).__qualname__
        with guard("explain a failure"):
            occurrence = sinks.current().exception(problem, context={"batch": index, "batch_content": like})
            if occurrence is not None:
                return occurrence.finding, _spelled(raised, str(occurrence.exception.get("message", "")))
            return explain(facts_of(problem)), _spelled(raised, DEFAULT.text(str(problem)))
        return _UNKNOWN, raised

    def _limit(self) -> str:
        policy = self._policy
        if policy.max_consecutive is not None and self._row > policy.max_consecutive:
            return f"more than {policy.max_consecutive} batches in a row have failed"
        if policy.max_failures is not None and self._failed > policy.max_failures:
            return f"more than {policy.max_failures} batches have failed"
        return ""

    def _decided(self, finding: Finding, failed: Failed) -> Action:
        if self._recover is None:
            return Action.SKIP
        try:
            return Action(self._recover(finding, failed))
        except Exception as exc:  # noqa: BLE001  (an action that fails must not hide what went wrong)
            log.warning("the recovery from %s failed; batch %d is skipped", finding.rule, failed.index, exc_info=exc)
            return Action.SKIP

    def _keep(self, finding: Finding, index: int, like: str, kind: str, action: Action, raised: str = "") -> None:
        self._rules[finding.rule] += 1
        if action is not Action.RETRY:
            self._failed += 1
            self._skipped += action is Action.SKIP
        if len(self._failures) < MOST_KEPT:
            failure = Failure(index=index, kind=kind, batch=like, finding=finding, action=action, raised=raised)
            self._failures.append(failure)

    def _with_summary(self, problem: Exception, reason: str) -> Exception:
        summary = self._summary(reason)
        log.warning("the guarded loop ends at batch %d: %s", self._index, reason)
        try:
            problem.mldebug_summary = summary  # type: ignore[attr-defined]
        except Exception:  # noqa: BLE001  (an exception with slots keeps its own)
            log.debug("no place for a summary on %s", type(problem).__qualname__)
        return problem

    def _summary(self, stopped: str) -> LoopSummary:
        return LoopSummary(
            batches=self._index + 1,
            done=self._done,
            skipped=self._skipped,
            failures=tuple(self._failures),
            num_failures=sum(self._rules.values()),
            rules=dict(self._rules),
            stopped=stopped,
        )


def _spelled(raised: str, message: str) -> str:
    """Return class and message in one line; of what a worker of a loader raised, its own last line."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return raised
    text = lines[-1] if lines[0].startswith("Caught ") and len(lines) > 1 else f"{raised}: {lines[0]}"
    return text if len(text) <= MOST_SAID else f"{text[: MOST_SAID - 1]}…"


def _recording(record: bool | None) -> bool:
    if record is not None:
        return record
    pytorch = sys.modules.get("otel_mldebug.instrument.training.hooks.pytorch")
    return pytorch is None or pytorch.installation() is None


def _together() -> bool:
    """Return whether this process trains with others: one that leaves a batch out makes them wait."""
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return False
    return int(distributed.get_world_size()) > 1
