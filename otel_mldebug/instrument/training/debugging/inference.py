"""Calls of a model outside of training: how long they take, how many fail, gradients that are tracked for nothing."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from otel_mldebug.instrument import sink as sinks
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Category, Severity

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram

SCOPE = "otel_mldebug.inference"
KEPT = 1000
"""Durations that the report looks back on."""
MOST_TRACKED = 10
"""Calls in a row in evaluation mode that track gradients without a backward call: then it is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceReport:
    """How the calls outside of training went.

    Attributes:
        calls: Calls, failed ones included.
        errors: Calls that raised.
        median_s: Half of the latest calls took no longer, seconds; None before the first.
        p95_s: The same for 95 % of them.
        max_s: The longest of the latest calls.
    """

    calls: int = 0
    errors: int = 0
    median_s: float | None = None
    p95_s: float | None = None
    max_s: float | None = None


class Inference:
    """Counts and times calls.

    Args:
        model: Class of the model.
        limit_s: Longest time that a call may take, seconds; None for no limit.
        clock: Monotonic seconds.
    """

    def __init__(
        self, model: str, limit_s: float | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._model, self._limit_s, self._clock = model, limit_s, clock
        self._durations: deque[float] = deque(maxlen=KEPT)
        self._calls = self._errors = self._tracked = 0
        self._generation: int | None = None
        self._histogram: Histogram | None = None

    def began(self) -> float:
        """Note that a call begins; return when."""
        self._calls += 1
        return self._clock()

    def failed(self) -> None:
        """Note that the latest call has raised."""
        self._errors += 1

    def ended(self, began_s: float) -> Finding | None:
        """Note that a call has ended; return what is wrong with how long it took, if there is a limit."""
        took_s = self._clock() - began_s
        self._durations.append(took_s)
        self._point(took_s)
        if self._limit_s is None or took_s <= self._limit_s:
            return None
        return Finding(
            rule="inference.slow",
            category=Category.INFERENCE,
            severity=Severity.WARNING,
            summary=f"A call of {self._model} took {took_s:.3g} s; {self._limit_s:.3g} s are allowed.",
            cause="The input was larger than usual, the machine was busy, or something was loaded or compiled first.",
            solutions=(
                "Compare the shape of this input with the others; pad to a few fixed lengths.",
                "Warm the model up before it serves, and keep it on its device.",
                "Profile a few calls with otel_mldebug.profile_steps.",
            ),
            prevention="Keep a limit on the size of inputs, and a warm-up at the start.",
            confidence=1.0,
            basis="detector",
            evidence={"duration_s": took_s, "limit_s": self._limit_s, "model": self._model},
        )

    def output(self, tensor: Any) -> Finding | None:
        """Look at the first output of a call in evaluation mode: does it track gradients that nobody asks for?"""
        if not tensor.requires_grad:
            self._tracked = 0
            return None
        self._tracked += 1
        if self._tracked < MOST_TRACKED:
            tensor.register_hook(self._backward)
            return None
        if self._tracked > MOST_TRACKED:
            return None
        return Finding(
            rule="inference.gradients_tracked",
            category=Category.INFERENCE,
            severity=Severity.WARNING,
            summary=f"{self._model} is in evaluation mode, and {MOST_TRACKED} calls in a row have tracked gradients "
            "that nobody used.",
            cause="model.eval() changes dropout and normalisation only: autograd still keeps every activation.",
            solutions=(
                "Put the calls into `with torch.inference_mode():`, or torch.no_grad() if results are trained on.",
                "Detach what is kept of the outputs, with .detach() or .item().",
            ),
            prevention="Decorate evaluation and serving functions with @torch.inference_mode().",
            confidence=0.9,
            basis="detector",
            evidence={"calls": MOST_TRACKED, "model": self._model},
        )

    def _backward(self, _: Any) -> None:
        self._tracked = 0

    def _point(self, took_s: float) -> None:
        sink = sinks.current()
        metric = names.MLDEBUG_INFERENCE_DURATION
        if sink.generation() != self._generation:
            self._generation = sink.generation()
            self._histogram = sink.meter(SCOPE).create_histogram(
                metric.name, unit=metric.unit, description=metric.brief,
                explicit_bucket_boundaries_advisory=list(metric.buckets),
            )  # fmt: skip
        if self._histogram is not None:
            self._histogram.record(took_s, {names.MLDEBUG_MODEL: self._model})

    def report(self, *, open_calls: int = 0) -> InferenceReport:
        """Return how the calls went so far, `open_calls` of which never came to their end."""
        ordered, errors = sorted(self._durations), self._errors + open_calls
        if not ordered:
            return InferenceReport(calls=self._calls, errors=errors)
        return InferenceReport(
            calls=self._calls,
            errors=errors,
            median_s=ordered[(len(ordered) - 1) // 2],
            p95_s=ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
            max_s=ordered[-1],
        )
