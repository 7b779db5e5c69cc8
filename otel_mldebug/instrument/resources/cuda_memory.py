"""What PyTorch's CUDA allocator holds, in words and as files: for people, and beside a finding that memory ran out."""

import sys
from itertools import count
from pathlib import Path
from typing import Any

from otel_mldebug._guard import guard
from otel_mldebug.rules.facts import Value

MOST_REPORTS = 3
"""Findings of one process that get files: after that, they say the same."""
MOST_TEXT = 64 * 2**10
"""Characters of a summary."""
MOST_SNAPSHOT = 64 * 2**20
"""Bytes of a snapshot: a larger one is removed again."""
_numbers = count(1)


def memory_report(torch: Any = None) -> str:
    """Return what the CUDA allocator holds, as text; why there is nothing to say, where there is none.

    Args:
        torch: The module; the one that the program has imported by default.
    """
    torch = sys.modules.get("torch") if torch is None else torch
    cuda = getattr(torch, "cuda", None)
    if cuda is None:
        return "PyTorch has not been imported: there is no allocator to ask."
    if not cuda.is_initialized():
        return "This process does not use CUDA: memory is the host's, and PyTorch keeps no books of it."
    parts = [str(cuda.memory_summary(device, abbreviated=True)) for device in range(cuda.device_count())]
    return "\n".join(parts)[:MOST_TEXT]


def memory_files(torch: Any, directory: Path | None) -> dict[str, Value]:
    """Write a summary and a snapshot, with history where the program records it; return their names.

    Args:
        torch: The module if the program has imported it.
        directory: Where to; None for nowhere.
    """
    cuda = getattr(torch, "cuda", None)
    if cuda is None or directory is None or not cuda.is_initialized():
        return {}
    number = next(_numbers)
    if number > MOST_REPORTS:
        return {}
    found: dict[str, Value] = {}
    with guard("keep a summary of CUDA memory"):
        summary = directory / f"cuda-memory-{number}.txt"
        summary.write_text(memory_report(torch), encoding="utf-8")
        found["gpu_memory_summary_file"] = summary.name
    with guard("keep a snapshot of CUDA memory"):
        snapshot = directory / f"cuda-memory-{number}.pickle"
        cuda.memory._dump_snapshot(str(snapshot))
        if snapshot.stat().st_size > MOST_SNAPSHOT:
            snapshot.unlink()
        else:
            found["gpu_memory_snapshot_file"] = snapshot.name
    return found


def reset() -> None:
    """Count from the beginning: in a forked child, and for tests."""
    global _numbers
    _numbers = count(1)
