"""`profile_on`: profile a few steps when a finding says that something has become slow."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from otel_mldebug.instrument.training.debugging.profiling import Window, profile_steps
from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.wiring.callbacks import on_finding

SLOW = ("timing.*", "data.input_bound", "inference.slow", "distributed.straggler")
"""Rules that say that something is slow."""


def profile_on(rules: Iterable[str] = SLOW, *, steps: int = 5, most: int = 3) -> Callable[[], None]:
    """Profile the steps after each of the first findings of these rules.

    Args:
        rules: Their ids, `*` and `?` allowed.
        steps: Steps of a window, 1 to 100.
        most: Windows in all.

    Returns:
        A function that ends it, and the window that may be open.

    Raises:
        UsageError: `steps` is out of range.
    """
    wanted = [rules] if isinstance(rules, str) else list(rules)
    profile_steps(steps)  # a number out of range is said now
    windows: list[Window] = []

    def told(occurrence: Occurrence) -> None:
        rule = occurrence.finding.rule
        if len(windows) < most and any(fnmatchcase(rule, pattern) for pattern in wanted):
            # It begins with the next step, so that the thread that is told of the finding goes on at once.
            windows.append(profile_steps(steps, skip=1).start())

    end = on_finding(told)

    def stop() -> None:
        end()
        for window in windows:
            window.stop()

    return stop


def by_setting(asked: str) -> Callable[[], None]:
    """Profile what the setting `profile_steps` asks for: steps `A:B` without B, or steps after findings of rules.

    Returns:
        A function that ends it.
    """
    first, colon, last = asked.partition(":")
    if colon:
        return profile_steps(int(last) - int(first), skip=int(first)).start().stop
    return profile_on([rule.strip() for rule in asked.split(",")])
