"""The spans of watched calls: opened before the call, or made after the fact. `calls` guards all of it."""

import time
from contextvars import Token
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

from otel_mldebug.instrument.functions import metrics
from otel_mldebug.instrument.functions.attributes import clean
from otel_mldebug.instrument.functions.known import Known
from otel_mldebug.instrument.functions.metrics import Instruments
from otel_mldebug.instrument.functions.watch import Watch
from otel_mldebug.instrument.sink import Sink
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Reason


class Call:
    """One call that has a span.

    Attributes:
        span: Its span.
        paid_ns: What `Budget.try_spend` took.
        cost_ns: What it cost so far.
    """

    __slots__ = ("_inside", "_token", "cost_ns", "paid_ns", "span")

    def __init__(self, span: Span, paid_ns: float) -> None:
        self.span, self.paid_ns, self.cost_ns = span, paid_ns, 0
        self._inside: Context = set_span_in_context(span)
        self._token: Token[Context] | None = None

    def enter(self) -> None:
        """Make the span current, unless it is."""
        if self._token is None:
            self._token = otel_context.attach(self._inside)

    def leave(self, exc: BaseException | None = None) -> None:
        """Make what was current before current again.

        A coroutine that is closed by the garbage collector finds itself in a foreign context: nothing to undo there.
        """
        token, self._token = self._token, None
        if token is None:
            return
        if issubclass(type(exc), GeneratorExit) and otel_context.get_current() is not self._inside:
            return
        otel_context.detach(token)


def opened(watch: Watch, current: Sink, known: Known, *, enter: bool) -> Call | None:
    """Return a call with a span, if the budget pays for one; `enter` makes it current."""
    instruments = metrics.of(current)  # before the clock: the first time it brings the pipeline into being
    paid_ns = watch.budget.try_spend("span", urgent=watch.rich)
    if not paid_ns:
        watch.rich = False
        return None
    began_ns = watch.budget.cost_ns()
    attributes = _attributes(watch, Reason.BUDGET, known)
    call = Call(instruments.tracer.start_span(watch.target.span, attributes=attributes), paid_ns)
    if enter:
        call.enter()
    call.cost_ns = watch.budget.cost_ns() - began_ns
    return call


def ended(
    watch: Watch, current: Sink, took_ns: int, call: Call | None, known: Known, exc: BaseException | None
) -> None:
    """End the span of a call; without one, make one after the fact if the call turned out to be worth it."""
    instruments = metrics.of(current)
    began_ns = watch.budget.cost_ns()
    if call is not None:
        instruments.point(took_ns, watch.target.function)
    elif took_ns > watch.outlier_ns:
        call = _after_the_fact(watch, instruments, took_ns, Reason.OUTLIER, known)
    elif watch.pays_for_itself(took_ns) and (paid_ns := watch.budget.try_spend("span", urgent=True)):
        call = _after_the_fact(watch, instruments, took_ns, Reason.LONG, known)
        call.paid_ns = paid_ns
    else:
        return
    _close(watch, call, exc)
    watch.budget.settle("span", call.paid_ns, call.cost_ns + watch.budget.cost_ns() - began_ns)


def failed(
    watch: Watch, current: Sink, took_ns: int, call: Call | None, known: Known, exc: Exception, kind: str
) -> None:
    """Report `exc`, whose class is called `kind`, with the call's span current, and end that span as failed."""
    ended_ns = time.time_ns()  # explaining is none of the call's time
    instruments = metrics.of(current)
    began_ns = watch.budget.cost_ns()
    call = call or _after_the_fact(watch, instruments, took_ns, Reason.ERROR, known, ended_ns)
    call.enter()
    function = watch.target.function
    found = current.exception(exc, function=function, arguments=known.arguments(), context=known.context())
    call.span.set_attribute(names.ERROR_TYPE, kind)
    call.span.set_status(Status(StatusCode.ERROR, found.finding.summary if found else kind))
    _close(watch, call, exc, ended_ns)
    if call.paid_ns:
        watch.budget.settle("span", call.paid_ns, call.cost_ns)
    watch.budget.settle("error", 0.0, watch.budget.cost_ns() - began_ns)


def _after_the_fact(
    watch: Watch, instruments: Instruments, took_ns: int, reason: Reason, known: Known, ended_ns: int | None = None
) -> Call:
    start_ns = (time.time_ns() if ended_ns is None else ended_ns) - took_ns
    attributes = _attributes(watch, reason, known)
    return Call(instruments.tracer.start_span(watch.target.span, attributes=attributes, start_time=start_ns), 0.0)


def _close(watch: Watch, call: Call, exc: BaseException | None, ended_ns: int | None = None) -> None:
    call.leave(exc)
    call.span.end(ended_ns)
    watch.spans += 1


def _attributes(watch: Watch, reason: Reason, known: Known) -> dict[str, Any]:
    target = watch.target
    attributes: dict[str, Any] = {names.CODE_FUNCTION_NAME: target.function}
    if target.file:
        attributes[names.CODE_FILE_PATH] = target.file
    if target.line is not None:
        attributes[names.CODE_LINE_NUMBER] = target.line
    attributes.update(target.attributes)
    attributes.update(clean(known.attributes()))
    attributes[names.MLDEBUG_SAMPLED_REASON] = reason.value
    attributes[names.MLDEBUG_SAMPLED_SHARE] = watch.share_with_spans()
    return attributes
