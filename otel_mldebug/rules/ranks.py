"""What one rank of a distributed training tells the others about itself: the contract between watching and judging."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from otel_mldebug.semconv.names import Phase

COLLECTIVE = "collective"
"""The phase of a rank that waits for the others, beside those of `Phase`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where the thread that trains is, read from its stack.

    Attributes:
        phase: `data`, `forward`, `backward`, `optimizer`, `other`, or `collective`.
        operation: Collective it waits in: `all_reduce`, `barrier`; empty when unknown, or when it waits in none.
        place: Innermost line of the user's own code: `prepare (train.py:12)`; empty when there is none.
        in_loop: Whether it is inside the innermost loop that the steps are made in.
        attended: Whether a person holds it: a debugger, a prompt.
    """

    phase: str = Phase.OTHER.value
    operation: str = ""
    place: str = ""
    in_loop: bool = False
    attended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Collective:
    """The latest collective of a rank, as PyTorch's Flight Recorder has it.

    Attributes:
        name: `all_reduce`, `broadcast`, …
        number: Its number in its process group, from 1: the same on all ranks for the same collective.
        group: Name of the process group.
        done: Whether it has completed on this rank.
        sizes: Shapes of what goes in.
    """

    name: str
    number: int
    group: str = ""
    done: bool = False
    sizes: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Checksums of the parameters of one optimizer, before one of its steps.

    Attributes:
        number: Optimizer steps that this rank had made before, of whatever optimizer: the same on all ranks.
        step: Number of the training step.
        optimizer: Place of the optimizer in the order in which they have stepped first, from 0.
        picked: Places of the parameters looked at, among all of the optimizer's.
        sums: Their checksums.
        synchronising: Whether DistributedDataParallel was to average gradients; None for parameters outside of one.
    """

    number: int
    step: int
    optimizer: int = 0
    picked: tuple[int, ...] = ()
    sums: tuple[int, ...] = ()
    synchronising: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Times of one step, seconds. What was not measured is 0.

    `cpu_s` is the processor time of the thread that trains; where it would say nothing of what the rank computes (on a
    GPU, or where waiting takes a processor, too), it is not measured.
    """

    step: int
    duration_s: float
    data_s: float = 0.0
    forward_s: float = 0.0
    backward_s: float = 0.0
    optimizer_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def other_s(self) -> float:
        """What no phase accounts for, at least 0."""
        return max(0.0, self.duration_s - self.data_s - self.forward_s - self.backward_s - self.optimizer_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What a program has done with its gradients between backward and a step of an optimizer, by `all_reduce`.

    Attributes:
        step: Number of the training step.
        local_norm: Norm of all gradients of the optimizer, just before they were added up over ranks.
        kept: Whether the optimizer used the sums as they were.
    """

    step: int
    local_norm: float
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RankView:
    """One rank, as it was when it was last heard of.

    Attributes:
        rank: From 0.
        world_size: Number of ranks.
        steps: Training steps that it has ended.
        begun: Whether it has ended within a step: after a backward call, and with no step of an optimizer behind it.
        failed: An exception has ended it.
        position: Where it is.
        idle_s: How long it has been exactly there without computing anything, seconds.
        age_s: How long ago it was heard of, seconds.
        ended: It has let go in good order.
        gone: Its process does not exist any more.
        collective: Its latest collective; None when unknown.
        names: Names of the parameters of each optimizer, in order.
        checks: Oldest first.
        wrapped: Whether it trains a model inside of DistributedDataParallel.
        divided: Whether its DataLoader has a sampler that gives each rank its own part; None without a DataLoader.
        joined: Whether it has said that ranks may have different numbers of batches (`with model.join():`).
        sharded: Whether it holds parameters of which each rank has another part.
        batches: Digests of what training was fed with, by number of optimizer steps made before.
        times: Of its latest steps, oldest first.
        fed: Step, samples (0 when unknown) and loss of single steps, oldest first.
        mean_loss: Whether the loss is a mean, and was not divided or multiplied afterwards.
        reduced: Of its first steps, oldest first, if it reduces gradients itself.
    """

    rank: int
    world_size: int
    steps: int = 0
    position: Position = Position()
    idle_s: float = 0.0
    age_s: float = 0.0
    ended: bool = False
    gone: bool = False
    collective: Collective | None = None
    names: tuple[tuple[str, ...], ...] = ()
    checks: tuple[Check, ...] = ()
    wrapped: bool = False
    divided: bool | None = None
    joined: bool = False
    begun: bool = False
    failed: bool = False
    sharded: bool = False
    batches: Mapping[int, int] = field(default_factory=dict)
    times: tuple[Times, ...] = ()
    fed: tuple[tuple[int, int, float], ...] = ()
    mean_loss: bool = False
    reduced: tuple[Reduction, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            **_plain(self),
            "position": _plain(self.position),
            "collective": None if self.collective is None else _plain(self.collective),
            "checks": [_plain(check) for check in self.checks],
            "reduced": [_plain(reduction) for reduction in self.reduced],
            "times": [[round(getattr(times, name), _DIGITS) for name in _TIMES] for times in self.times],
            "batches": [[number, digest] for number, digest in self.batches.items()],
        }


def _plain(value: Any) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in fields(value)}


_DIGITS = 7
"""Of seconds: what is finer than a tenth of a microsecond says nothing."""
_TIMES = ("step", "duration_s", "data_s", "forward_s", "backward_s", "optimizer_s", "cpu_s")


def view_of(page: Mapping[str, Any]) -> RankView | None:
    """Return what `to_json` was made from; None for anything else."""
    try:
        collective = page["collective"]
        return RankView(
            **{
                **page,
                "position": Position(**page["position"]),
                "collective": None if collective is None else _collective(collective),
                "names": tuple(tuple(map(str, names)) for names in page["names"]),
                "checks": tuple(_check(check) for check in page["checks"]),
                "reduced": tuple(Reduction(**reduction) for reduction in page["reduced"]),
                "batches": {int(number): int(digest) for number, digest in page["batches"]},
                "fed": tuple((int(step), int(samples), float(loss)) for step, samples, loss in page["fed"]),
                "times": tuple(Times(**dict(zip(_TIMES, row, strict=True))) for row in page["times"]),
            }
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _collective(page: Mapping[str, Any]) -> Collective:
    return Collective(**{**page, "sizes": tuple(tuple(map(int, size)) for size in page["sizes"])})


def _check(page: Mapping[str, Any]) -> Check:
    return Check(**{**page, "picked": tuple(map(int, page["picked"])), "sums": tuple(map(int, page["sums"]))})
