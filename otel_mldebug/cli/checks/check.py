"""The result of one check."""

from dataclasses import dataclass
from typing import Any

OK, WARN, FAIL = "ok", "warn", "fail"
"""`warn`: it works, with less than it could. `fail`: something asked for will not work."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was found about one part of the installation.

    Attributes:
        name: The part, such as `torch` or `store`.
        status: `ok`, `warn` or `fail`.
        detail: What was found, one line.
        advice: What to do about it; empty when there is nothing to do.
    """

    name: str
    status: str
    detail: str
    advice: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as the command prints it with `--json`."""
        out = {"name": self.name, "status": self.status, "detail": self.detail, "advice": self.advice}
        return {key: value for key, value in out.items() if value}
