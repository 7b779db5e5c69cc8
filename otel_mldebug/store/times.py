"""Points in time as the store's JSON has them."""

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def rfc3339(time_ns: int) -> str:
    """Return nanoseconds since the epoch as RFC 3339 in UTC with microseconds: `2026-11-21T14:30:05.120000Z`."""
    moment = _EPOCH + timedelta(microseconds=time_ns // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_rfc3339(text: object) -> int | None:
    """Return nanoseconds since the epoch; None if `text` is no point in time with a zone."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
