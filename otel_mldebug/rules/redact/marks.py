"""Markers: what stands in a text where a secret stood, and how the stages say that they found one."""

from collections.abc import Callable

Mark = Callable[[str, str], str]
"""`mark(kind, secret)` counts the find and returns the marker, or `secret` itself where it is exempt."""

MARKER = r"\[redacted:[a-z0-9-]{1,40}\]"
"""A regular expression for a marker, to build others from."""


def marker(kind: str) -> str:
    """Return the marker for a secret of `kind`, such as `[redacted:github-token]`."""
    return f"[redacted:{kind}]"
