"""What a provocation is: a call that really fails, and what whoever sorts failures would say about it."""

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from otel_mldebug.rules.capture import facts_of
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.finding import Finding


@dataclass(frozen=True, slots=True)
class World:
    """What a provocation may use.

    Attributes:
        tmp: An empty directory of its own.
        url: Address of `server.Server` on loopback, without a slash at the end.
        port: Port of it.
        closed_port: A port on loopback at which nobody listens.
    """

    tmp: Path
    url: str
    port: int
    closed_port: int

    def file(self, name: str, content: bytes = b"") -> str:
        """Write a file and return its path."""
        path = self.tmp / name
        path.write_bytes(content)
        return str(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A call that fails, and its labels.

    Attributes:
        name: Name of the provoking function, with its module.
        provoke: The call.
        category: What is right.
        also: Categories that are accepted too.
        severity: What is right, first; then what is accepted where whoever sorts failures may see it so or so.
        retryable: Whether the same call can plausibly succeed.
        remedy: Words, one of which must be in cause, solutions or prevention.
        needs: Packages without which it cannot be provoked.
    """

    name: str
    provoke: Callable[[World], object]
    category: str
    also: tuple[str, ...]
    severity: tuple[str, ...]
    retryable: bool
    remedy: tuple[str, ...]
    needs: tuple[str, ...]

    def missing(self) -> str:
        """Return the package that is not installed, or nothing."""
        return next((name for name in self.needs if importlib.util.find_spec(name) is None), "")


class Table:
    """The provocations of one module."""

    def __init__(self, needs: str = "") -> None:
        self.needs = needs
        self.cases: list[Case] = []

    def __call__(
        self,
        category: str,
        also: str = "",
        *,
        remedy: str,
        severity: str = "error",
        retryable: bool = False,
        needs: str = "",
    ) -> Callable[[Callable[[World], object]], Callable[[World], object]]:
        """Add the decorated function.

        Names in `also`, `severity` and `needs` are separated by spaces, the words of `remedy` by bars.
        """

        def add(provoke: Callable[[World], object]) -> Callable[[World], object]:
            self.cases.append(
                Case(
                    name=f"{provoke.__module__.rpartition('.')[2]}.{provoke.__name__}",
                    provoke=provoke,
                    category=category,
                    also=tuple(also.split()),
                    severity=tuple(severity.split()),
                    retryable=retryable,
                    remedy=tuple(remedy.split("|")),
                    needs=tuple(f"{self.needs} {needs}".split()),
                )
            )
            return provoke

        return add


class UnavailableError(Exception):
    """The failure cannot be provoked on this machine; the message says why."""


def provoked(case: Case, world: World) -> BaseException:
    """Return what the call raised.

    Raises:
        AssertionError: It raised nothing.
        UnavailableError: It cannot fail on this machine.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            case.provoke(world)
        except UnavailableError:
            raise
        except BaseException as exc:
            return exc
    raise AssertionError(f"{case.name} raised nothing")


def finding_for(exc: BaseException) -> Finding:
    """Return what the rules say, from the live exception."""
    return explain(facts_of(exc))


def marks(case: Case, finding: Finding) -> dict[str, bool]:
    """Return what of `finding` is right."""
    advice = " ".join((finding.cause, *finding.solutions, finding.prevention)).lower()
    return {
        "category": finding.category == case.category,
        "category_or_alternative": finding.category in (case.category, *case.also),
        "severity": finding.severity == case.severity[0],
        "severity_or_alternative": finding.severity in case.severity,
        "retryable": finding.retryable == case.retryable,
        "remedy": any(word.lower() in advice for word in case.remedy),
    }
