"""What a wrapper knows of one call, and what is asked of it."""

from collections.abc import Mapping
from typing import Any, Protocol


class Known(Protocol):
    """What can be found out about a call. Asked only when there is a span or a finding; everything is raw."""

    def attributes(self) -> Mapping[str, Any]:
        """Return further attributes for its span."""

    def arguments(self) -> Mapping[str, Any]:
        """Return its arguments for a finding."""

    def context(self) -> Mapping[str, Any]:
        """Return what else a finding should say."""
