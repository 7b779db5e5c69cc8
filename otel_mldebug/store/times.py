"""Points in time as the store's JSON has them."""

import re
from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(?:([Zz])|([+-]\d\d:\d\d))", re.ASCII)


def rfc3339(time_ns: int) -> str:
    """Return nanoseconds since the epoch as RFC 3339 in UTC with microseconds: `2026-11-21T14:30:05.120000Z`.

    Times outside of the years 1 to 9999, which only a damaged file has, become the nearest one that is inside.
    """
    micros = min(max(time_ns // 1000, _LOWEST), _HIGHEST)
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


_LOWEST = (datetime(1, 1, 1, tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)
_HIGHEST = (datetime(9999, 12, 31, tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)


def parse_rfc3339(text: object) -> int | None:
    """Return nanoseconds since the epoch; None if `text` is no point in time with a zone."""
    if not isinstance(text, str) or not (match := _RFC3339.fullmatch(text)):
        return None
    day, time, fraction, _, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{offset or '+00:00'}")
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(seconds=1) * 10**9 + int((fraction or "0").ljust(9, "0"))
