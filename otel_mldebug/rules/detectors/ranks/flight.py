"""What PyTorch's Flight Recorder says of the collectives of one rank, read from its dump as JSON.

Source: torch/csrc/distributed/c10d/FlightRecorder.hpp, and dumps of NCCL and of Gloo (from PyTorch 2.10 on).
"""

import json
from collections.abc import Mapping
from typing import Any

from otel_mldebug.rules.ranks import Collective

_MOST_SIZES = 4


def latest_collective(dump: bytes | str) -> Collective | None:
    """Return the oldest collective that has not completed, else the latest one; None when the dump has none.

    Sends and receives between two ranks are left out: their numbers mean nothing to the others.
    """
    try:
        page = json.loads(dump)
        entries = [entry for entry in page.get("entries", ()) if not entry.get("is_p2p")]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None
    entries = [entry for entry in entries if isinstance(entry.get("collective_seq_id"), int)]
    if not entries:
        return None
    open_ones = [entry for entry in entries if not _done(entry)]
    return _collective(open_ones[0] if open_ones else entries[-1])


def _done(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("retired")) or entry.get("state") == "completed"


def _collective(entry: Mapping[str, Any]) -> Collective:
    group = entry.get("process_group") or ["", ""]
    sizes = [size for size in entry.get("input_sizes") or () if all(isinstance(n, int) for n in size)]
    return Collective(
        name=str(entry.get("profiling_name", "")).rpartition(":")[2],
        number=entry["collective_seq_id"],
        group=str(group[-1]) if isinstance(group, (list, tuple)) and group else "",
        done=_done(entry),
        sizes=tuple(tuple(size) for size in sizes[:_MOST_SIZES]),
    )
