"""A finding in words: short for the user of a program, in full for who develops it. Pure."""

from collections.abc import Iterator

from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.semconv.names import Category, Severity

_FOR_USERS = {
    Category.MEMORY: "There was not enough memory for this. Something smaller may work.",
    Category.MODEL_LOADING: "The model could not be loaded.",
    Category.DATA: "The data could not be read.",
    Category.INPUT_VALIDATION: "The input is not in a form that can be used. Please check it.",
    Category.NETWORK: "Another service could not be reached.",
    Category.TIMEOUT: "This took too long and was stopped.",
    Category.SYSTEM: "The system that this runs on refused something.",
    Category.DEPENDENCY: "A part that this program needs is missing or does not fit.",
}
_OTHERWISE = "Something went wrong."


def for_user(occurrence: Occurrence) -> str:
    """Return two or three short sentences for somebody who neither knows nor may see how the program works.

    They hold nothing of the exception's message, of arguments or of paths; only the id, which can be quoted.
    """
    finding = occurrence.finding
    parts = [_FOR_USERS.get(finding.category, _OTHERWISE)]
    if finding.retryable:
        parts.append("Trying again in a moment may help.")
    elif finding.severity is Severity.CRITICAL:
        parts.append("Trying again will not help.")
    if occurrence.id:
        parts.append(f"If you report this, quote {occurrence.id}.")
    return " ".join(parts)


def in_full(occurrence: Occurrence) -> str:
    """Return everything a developer needs, one subject to a line."""
    return "\n".join(_lines(occurrence))


def _lines(occurrence: Occurrence) -> Iterator[str]:
    finding, exception = occurrence.finding, occurrence.exception
    yield f"{finding.severity}: {finding.summary}"
    if exception.get("type"):
        yield ": ".join(str(exception[key]) for key in ("type", "message") if exception.get(key))
    where = [occurrence.function] if occurrence.function else []
    where += [
        f"{name} {value}"
        for name, value in (("step", occurrence.step), ("epoch", occurrence.epoch), ("layer", occurrence.layer or None))
        if value is not None
    ]
    if where:
        yield f"where: {', '.join(where)}"
    if finding.cause:
        yield f"cause: {finding.cause}"
    for place, solution in enumerate(finding.solutions, 1):
        yield f"try {place}: {solution}"
    if finding.prevention:
        yield f"prevent: {finding.prevention}"
    if finding.docs:
        yield f"see: {finding.docs}"
    known = [finding.rule, f"trying again {'may' if finding.retryable else 'will not'} help"]
    yield f"known as: {', '.join([*known, occurrence.id] if occurrence.id else known)}"
