"""Everything this package raises on purpose.

* MLDebugError
  - ConfigError              a setting or a file has a value we cannot use
  - MissingDependencyError   an optional package is not installed
  - StoreError               the local store cannot be opened, or a newer version wrote it
  - UsageError               a command was called in a way that cannot work

Every message says three things: what we wanted, what we got, what to do next.
"""

from collections.abc import Sequence


class MLDebugError(Exception):
    """The base of every error that this package raises on purpose."""


class ConfigError(MLDebugError, ValueError):
    """A setting, or an entry of a configuration or pattern file, has a value we cannot use.

    Attributes:
        setting: The name as the user typed it, such as `OTEL_MLDEBUG_BUDGET` or `patterns.toml: pattern 3: severity`.
        given: What was given, as text.
        expected: What would be accepted, as a phrase that fits after "expected".
        each: Every mistake that was found, this one first.
    """

    def __init__(self, setting: str, given: object, *, expected: str) -> None:
        self.setting, self.given, self.expected = setting, given, expected
        self.each: tuple[ConfigError, ...] = (self,)
        super().__init__(f"{setting}={given!r} is not usable: expected {expected}.")

    @classmethod
    def of(cls, mistakes: "Sequence[ConfigError]") -> "ConfigError":
        """Return the first of `mistakes`, with all of them in its message, one a line."""
        first, text = mistakes[0], "\n".join(map(str, mistakes))
        found = cls(first.setting, first.given, expected=first.expected)
        found.args, found.each = (text,), tuple(mistakes)
        return found


class MissingDependencyError(MLDebugError, ImportError):
    """An optional package is needed now and is not installed."""

    def __init__(self, module: str, *, needed_to: str, extra: str) -> None:
        super().__init__(
            f"{module!r} is needed to {needed_to} but is not installed. Run: pip install 'otel-mldebug[{extra}]'"
        )


class StoreError(MLDebugError):
    """The local store cannot be opened, is damaged beyond use, or was written by a newer version."""


class UsageError(MLDebugError):
    """A command was called in a way that cannot work; the message says which way does."""
