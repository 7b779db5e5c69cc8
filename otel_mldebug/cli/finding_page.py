"""One finding in full for the terminal. Pure."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otel_mldebug.cli.finding_table import STYLES, spans, state, trend
from otel_mldebug.cli.render import Look, clean, clock, cut, number, percent, quantity, seconds

_LABEL = 11
_MOST_FRAMES = 30
_MOST_VALUES = 40
_QUOTED = "Traceback (most recent call last)"


def lines(finding: Mapping[str, Any], look: Look) -> list[str]:
    """Return the lines of a page about one finding, as wide as the look allows."""
    severity = look.paint(finding["severity"].upper(), STYLES.get(finding["severity"], ""))
    what = look.between.join(clean(finding[key]) for key in ("category", "rule"))
    out = [f"{severity}  {what}", *_wrapped(finding["summary"], look, ""), ""]
    for label, values in _facts(finding, look):
        out += _labelled(label, values, look)
    for label, values in (("evidence", finding.get("evidence", {})), ("context", finding.get("context", {}))):
        out += _labelled(label, list(_values(values, look)), look)
    out += _raised("exception", finding.get("exception", {}), look)
    return out + [line for label, values in _ids(finding) for line in _labelled(label, values, look)]


def _facts(finding: Mapping[str, Any], look: Look) -> Iterator[tuple[str, list[str]]]:
    room = look.width - _LABEL
    yield "where", _wrapped(look.between.join(_where(finding)), look, "", room)
    yield "seen", _wrapped(_seen(finding, look), look, "", room)
    reports = (f"{_name(report)}: {report.get('summary', '')}" for report in finding.get("reported_by", ()))
    yield "told by", [line for report in reports for line in _wrapped(report, look, "", room)]
    yield "state", _wrapped(state(finding), look, "", room)
    yield "trend", [_trend(finding, look)] if trend(finding, look) else []
    yield "impact", _wrapped(_impact(finding.get("impact") or {}), look, "", room)
    yield "cause", _wrapped(finding.get("cause", ""), look, "", room)
    yield (
        "try",
        [
            line
            for place, solution in enumerate(finding.get("solutions", ()), 1)
            for line in _wrapped(solution, look, f"{place}. ", room)
        ],
    )
    yield "prevent", _wrapped(finding.get("prevention", ""), look, "", room)
    yield "more", [clean(finding["docs"])] if finding.get("docs") else []
    again = "trying again may help" if finding.get("retryable") else "trying again will not help"
    yield "sure", [f"{percent(finding.get('confidence', 1.0))} (by {clean(finding.get('basis', 'pattern'))}), {again}"]


def _name(report: Mapping[str, Any]) -> str:
    return str(report.get("type") or report.get("rule", "")).rpartition(".")[2]


def _where(finding: Mapping[str, Any]) -> Iterator[str]:
    if finding.get("function"):
        yield clean(finding["function"])
    for key in ("step", "epoch", "layer"):
        if key in finding:
            yield f"{key} {clean(finding[key])}"
    if "rank" in finding:
        yield f"rank {finding['rank']}"


def _seen(finding: Mapping[str, Any], look: Look) -> str:
    count, suppressed = int(finding["count"]), int(finding.get("suppressed", 0))
    first, last = clock(finding["first_seen"]), clock(finding["last_seen"])
    parts = ["once" if count == 1 else f"{number(count)} times", first if first == last else f"{first} to {last}"]
    if suppressed:
        parts.insert(1, f"{number(suppressed)} of them only counted")
    if ranks := finding.get("ranks"):
        parts.append(f"ranks {spans(ranks)}")
    if hosts := finding.get("hosts"):
        parts.append("on " + clean(", ".join(hosts[:5])) + (f" and {len(hosts) - 5} more" if len(hosts) > 5 else ""))
    return look.between.join(parts)


def _trend(finding: Mapping[str, Any], look: Look) -> str:
    per_min = finding.get("rate_per_s", 0.0) * 60
    rate = f"{per_min:.3g} a minute" if per_min >= 1 else f"{per_min * 60:.3g} an hour"
    share = f"{look.between}{percent(finding['share'])} of all" if 0 < finding.get("share", 1) < 1 else ""
    return f"{trend(finding, look)}{look.between}{rate}{share}"


def _impact(found: Mapping[str, Any]) -> str:
    """Return how failing calls of the function compare with succeeding ones."""
    if "success_share" not in found:
        return ""
    text = f"{number(found['errors'])} of {number(found['calls'])} calls fail"
    if "failing_s" in found:
        text += f"; a failing one takes {seconds(found['failing_s'])}"
    if "succeeding_s" in found:
        text += f", a succeeding one {seconds(found['succeeding_s'])}"
    return text


def _values(values: Mapping[str, Any], look: Look) -> Iterator[str]:
    width = min(28, max((len(clean(key)) for key in values), default=0))
    for key, value in list(values.items())[:_MOST_VALUES]:
        if isinstance(value, str) and "\n" in value.strip():
            yield clean(key)
            rows = (_printable(row.replace("\t", "    ").rstrip()) for row in value.strip().splitlines())
            yield from (cut(f"  {row}", look.width - _LABEL, look) for row in rows)
            continue
        yield from _wrapped(quantity(key, value), look, clean(key).ljust(width) + "  ", look.width - _LABEL)
    if len(values) > _MOST_VALUES:
        yield f"and {len(values) - _MOST_VALUES} more: --json"


def _raised(label: str, exception: Mapping[str, Any], look: Look) -> list[str]:
    """Return an exception, then what led to it, then the members of a group."""
    out = _exception(label, exception, look)
    for cause in exception.get("chain", ()):
        out += _raised("caused by", cause, look)
    members = exception.get("group", ())
    for place, member in enumerate(members, 1):
        out += _raised(f"{place} of {len(members)}", member, look)
    return out


def _exception(label: str, exception: Mapping[str, Any], look: Look) -> list[str]:
    """Return type, message and stack; frames of the user's own code are marked and stand out."""
    message = exception.get("message", "")
    if exception.get("chain") and (quoted := message.find(_QUOTED)) >= 0:  # shown below, as what led to it
        message = message[:quoted].removesuffix("Original ")
    head = ": ".join(filter(None, (clean(exception.get("type", "")), clean(message))))
    out = _labelled(label, _wrapped(head, look, "", look.width - _LABEL), look)
    frames = [frame for frame in exception.get("frames", ()) if isinstance(frame, Mapping)]
    if frames:
        return out + _labelled("stack", list(_stack(frames, look)), look)
    text = exception.get("stacktrace", "")
    rows = [_printable(row.replace("\t", "    ").rstrip()) for row in text.splitlines()[-_MOST_FRAMES:]]
    return out + _labelled("stack", [cut(row, look.width - _LABEL, look) for row in rows], look)


def _stack(frames: Sequence[Mapping[str, Any]], look: Look) -> Iterator[str]:
    left_out = len(frames) - _MOST_FRAMES
    if left_out > 0:
        yield f"  {look.dots} {left_out} outer frames left out: --json"
    for frame in frames[max(0, left_out) :]:
        own = frame.get("in_app", True)
        place = (
            f"{clean(frame.get('file', '?'))}:{clean(frame.get('line', '?'))} in {clean(frame.get('function', '?'))}"
        )
        text = cut(f"{'>' if own else ' '} {place}", look.width - _LABEL, look)
        yield look.paint(text, "strong" if own else "faint")
        if own and frame.get("code"):
            yield "      " + cut(clean(frame["code"]), look.width - _LABEL - 6, look)


def _ids(finding: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for label, key in (
        ("trace", "trace_id"),
        ("span", "span_id"),
        ("id", "id"),
        ("group", "fingerprint"),
        ("run", "run_id"),
        ("session", "session_id"),
    ):
        if finding.get(key):
            yield label, [clean(finding[key])]


def _labelled(label: str, values: Sequence[str], look: Look) -> list[str]:
    return [look.paint((label if i == 0 else "").ljust(_LABEL), "faint") + value for i, value in enumerate(values)]


def _wrapped(text: object, look: Look, lead: str, width: int | None = None) -> list[str]:
    return textwrap.wrap(
        clean(text),
        max(20, width or look.width),
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_on_hyphens=False,
    )


def _printable(row: str) -> str:
    return "".join(char if char.isprintable() else " " for char in row)
