"""What is known of a run once its program has ended: all that a verdict is based on, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_mldebug.cli.record import Note
from otel_mldebug.cli.supervise import Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a run.

    Attributes:
        label: What its user calls the program.
        ending: How it ended.
        findings: Its findings as `otel-mldebug errors --json` has them, the most severe first.
        steps: Training steps.
        losses: The first and the last loss; empty without any.
        watched: What was watched, over all processes.
        ranks: Ranks that recorded something.
        hosts: Hosts that recorded something.
        dropped: Records that had to be given up.
        notes: What its Python processes told.
        isolated: Flags of its Python that shut us out, such as `-I`.
        oom_kills: Processes that the kernel killed for lack of memory in our control group meanwhile.
        run_id: Its id.
        store: Where it is recorded, as the user would type it; empty when nothing is kept.
        command: How our command is typed here: `otel-mldebug`, or its path where it is not on PATH.
        option: What a command needs to find that store: empty, or ` --store DIR`.
        unkept: Why nothing is kept, as a sentence without a full stop; empty when something is.
        disabled: What switched everything off; empty when nothing did.
        torch_off: What switched off the watching of PyTorch; empty when nothing did.
    """

    label: str
    ending: Ending
    findings: Sequence[Mapping[str, Any]] = ()
    steps: int = 0
    losses: tuple[float, ...] = ()
    watched: Mapping[str, Any] = field(default_factory=dict)
    ranks: tuple[int, ...] = ()
    hosts: tuple[str, ...] = ()
    dropped: int = 0
    notes: tuple[Note, ...] = ()
    isolated: str = ""
    oom_kills: int = 0
    run_id: str = ""
    store: str = ""
    command: str = "otel-mldebug"
    option: str = ""
    unkept: str = ""
    disabled: str = ""
    torch_off: str = ""
