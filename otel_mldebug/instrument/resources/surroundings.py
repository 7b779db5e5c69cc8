"""What is said of the machine beside a finding: memory, processors, disks, GPUs; the allocator where memory ran out."""

import sys
from typing import Any

from otel_mldebug._guard import guard
from otel_mldebug.instrument import sink
from otel_mldebug.instrument.resources.cuda_memory import memory_files
from otel_mldebug.instrument.resources.snapshot import snapshot
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category

MAX_DEVICES = 8
_ALLOCATOR = {
    "gpu_allocated_bytes": "allocated_bytes.all.current",
    "gpu_allocated_peak_bytes": "allocated_bytes.all.peak",
    "gpu_reserved_bytes": "reserved_bytes.all.current",
    "gpu_inactive_split_bytes": "inactive_split_bytes.all.current",
    "gpu_allocation_retries": "num_alloc_retries",
    "gpu_out_of_memory_errors": "num_ooms",
}
"""One value for each device that PyTorch has reserved memory on -> its name in `torch.cuda.memory_stats`."""


def surroundings(finding: Finding) -> dict[str, Value]:
    """Return what is known of the machine now. Never raises, never waits for a device."""
    found = snapshot()
    if finding.category is Category.MEMORY:
        with guard("ask PyTorch's allocator"):
            found.update(allocator(sys.modules.get("torch")))
        found.update(memory_files(sys.modules.get("torch"), sink.current().directory()))
    return found


def allocator(torch: Any) -> dict[str, Value]:
    """Return the allocator's own books, which are kept on the host.

    Args:
        torch: The module if the program has imported it. CUDA is not initialised if it is not yet.
    """
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return {}
    books = [cuda.memory_stats(device) for device in range(min(cuda.device_count(), MAX_DEVICES))]
    used = [book for book in books if book.get("reserved_bytes.all.peak")]
    return {key: tuple(int(book.get(name, 0)) for book in used) for key, name in _ALLOCATOR.items()} if used else {}
