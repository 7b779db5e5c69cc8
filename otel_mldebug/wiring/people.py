"""For the person who catches an exception, and for the one who sees what comes of it: texts, ids, data about users."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any

from otel_mldebug._guard import guard
from otel_mldebug.instrument import sink
from otel_mldebug.rules.finding import ORDER, Finding, Occurrence
from otel_mldebug.rules.wording import for_user, in_full
from otel_mldebug.semconv.names import Category, Severity

_debug_here: ContextVar[bool | None] = ContextVar("otel_mldebug_debug", default=None)
_debug: bool | None = None
_user: dict[str, Any] = {}
_user_here: ContextVar[Mapping[str, Any] | None] = ContextVar("otel_mldebug_user", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What a user interface needs to answer with after an error.

    Attributes:
        text: What to show: the short text, in debug mode the full one.
        id: What a user can quote and `otel-mldebug errors ID` finds; empty while nothing is being watched.
        rule: Which rule knew the failure.
        category: What kind of trouble.
        severity: How bad.
        retryable: Whether the same call, perhaps after a wait, can plausibly succeed.
        tried: What has been tried already, as the caller said.
        recovered: Whether that worked, as the caller said.
    """

    text: str
    id: str
    rule: str
    category: Category
    severity: Severity
    retryable: bool
    tried: tuple[str, ...] = ()
    recovered: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the same as plain JSON values."""
        plain = {**asdict(self), "category": str(self.category), "severity": str(self.severity)}
        return {**plain, "tried": list(self.tried)}


def user_message(exc: BaseException) -> str:
    """Return what to tell somebody of `exc`: a short friendly text with the id to quote, in debug mode the full one.

    An exception that has not been seen yet is reported. Never raises.
    """
    return _text(_occurrence(exc))


def handle_error(
    exc: BaseException,
    *,
    context: Mapping[str, Any] | None = None,
    user_data: Mapping[str, Any] | None = None,
    tried: Iterable[str] = (),
    recovered: bool = False,
) -> Handled:
    """Report `exc` and return what a user interface answers with. Never raises.

    Args:
        exc: The exception that was caught.
        context: Anything worth knowing beside it.
        user_data: The same, about the user; kept under `user.`.
        tried: What the program has tried to get over it, in words.
        recovered: Whether it has got over it: the finding is a warning then, at most.

    Example:
        except Exception as exc:
            answer = handle_error(exc, context={"prompt_tokens": 512})
            return JSONResponse(answer.to_json(), status_code=503 if answer.retryable else 500)
    """
    steps = tuple(str(step) for step in tried)
    known: dict[str, Any] = {**(context or {}), **_as_user(user_data or {})}
    if steps:
        known["tried"] = "; ".join(steps)
    if steps or recovered:
        known["recovered"] = recovered
    own: dict[str, Any] = {"at_most": Severity.WARNING} if recovered else {}
    occurrence = _occurrence(exc, known, by_hand=True, **own)
    finding = occurrence.finding
    return Handled(
        text=_text(occurrence),
        id=occurrence.id,
        rule=finding.rule,
        category=finding.category,
        severity=min(finding.severity, Severity.WARNING, key=ORDER.__getitem__) if recovered else finding.severity,
        retryable=finding.retryable,
        tried=steps,
        recovered=recovered,
    )


def debug_mode(on: bool | None = True) -> None:
    """Switch the full texts on or off from now on, in the whole process; None goes by the setting `debug` again.

    `debugging` does it for one session only.
    """
    global _debug
    _debug = on


@contextmanager
def debugging(on: bool = True) -> Iterator[None]:
    """Switch the full texts on or off within the block, in this thread or task and the tasks it starts."""
    token = _debug_here.set(on)
    try:
        yield
    finally:
        _debug_here.reset(token)


def set_user_data(**data: Any) -> None:
    """Add what is known of the user to every finding about an exception from now on, under `user.`; None takes it away.

    It holds for the whole process; `user_data` is for programs that serve several users at a time.
    """
    _merge(_user, data)


@contextmanager
def user_data(**data: Any) -> Iterator[None]:
    """Add what is known of the user to findings within the block, in this thread or task and the tasks it starts."""
    here = dict(_user_here.get() or {})
    here.update(data)
    token = _user_here.set(here)
    try:
        yield
    finally:
        _user_here.reset(token)


def known_of_user() -> dict[str, Any]:
    """Return what was said of the user, as context of a finding."""
    known = {**_user, **(_user_here.get() or {})}
    return _as_user({key: value for key, value in known.items() if value is not None})


def _as_user(data: Mapping[str, Any]) -> dict[str, Any]:
    return {f"user.{key}": value for key, value in data.items()}


def _merge(into: dict[str, Any], data: Mapping[str, Any]) -> None:
    for key, value in data.items():
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value


def _text(occurrence: Occurrence) -> str:
    return in_full(occurrence) if _debugging() else for_user(occurrence)


def _debugging() -> bool:
    here = _debug_here.get()
    if here is None:
        here = _debug
    if here is not None:
        return here
    from otel_mldebug.wiring.process import runtime

    found = runtime()
    return found is not None and found.config.debug


def _occurrence(exc: BaseException, context: Mapping[str, Any] | None = None, **own: Any) -> Occurrence:
    """Return what is known of `exc`, reported or not; what cannot be explained, or is no exception, is unknown."""
    if not isinstance(exc, BaseException):  # as `sys.exc_info()[1]` where there was none
        return Occurrence(finding=_UNKNOWN, id="", time_ns=0)
    reported = sink.current().exception(exc, context=context, **own)
    if reported is not None:
        return reported
    with guard("explain an exception that is not reported"):
        from otel_mldebug.export.failure import explained
        from otel_mldebug.export.seen import occurrence_of
        from otel_mldebug.rules.redact import DEFAULT

        if (earlier := occurrence_of(exc)) is not None:
            return earlier
        made = explained(exc, DEFAULT, **own)
        return Occurrence(finding=made.finding, id="", time_ns=0, function=made.function, exception=made.exception)
    return Occurrence(finding=_UNKNOWN, id="", time_ns=0)


_UNKNOWN = Finding(
    rule="unknown",
    category=Category.UNKNOWN,
    severity=Severity.ERROR,
    summary="An error.",
    confidence=0.0,
    basis="none",
)
