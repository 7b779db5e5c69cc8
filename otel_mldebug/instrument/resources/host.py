"""The host: processors, memory, swap, disks, network interfaces, file systems."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from otel_mldebug.instrument.resources.reading import Probe, Reading
from otel_mldebug.semconv import names

MAX_DEVICES = 32
"""Disks and network interfaces that are told apart; further ones are left out."""
_MODES: Mapping[str, str] = {
    "user": "user",
    "nice": "nice",
    "system": "system",
    "idle": "idle",
    "iowait": "iowait",
    "irq": "interrupt",
    "softirq": "interrupt",
    "interrupt": "interrupt",
    "steal": "steal",
}
"""psutil's fields as values of `cpu.mode`; `guest` is part of `user` already. Source: psutil, `cpu_times`."""
_VIRTUAL = ("lo", "veth", "docker", "br-", "virbr", "cali", "flannel", "cni", "tun", "tap")
"""What the names of interfaces begin with that only pass on what another one counts."""

HOST = (
    names.SYSTEM_CPU_UTILIZATION,
    names.SYSTEM_CPU_LOGICAL_COUNT,
    names.SYSTEM_MEMORY_USAGE,
    names.SYSTEM_MEMORY_UTILIZATION,
    names.SYSTEM_MEMORY_LIMIT,
    names.SYSTEM_PAGING_USAGE,
    names.SYSTEM_DISK_IO,
    names.SYSTEM_NETWORK_IO,
)


def host() -> Probe:
    """Return the probe of processors, memory, swap, disks and network."""
    processors = Processors()

    def read() -> Iterator[Reading]:
        yield from processors.read()
        yield from memory(psutil.virtual_memory(), psutil.swap_memory())
        yield from disks(psutil.disk_io_counters(perdisk=True) or {})
        yield from interfaces(psutil.net_io_counters(pernic=True) or {})

    return Probe("the host", HOST, read)


class Processors:
    """Turns processor times into shares of the time since the last reading; the first reading has none."""

    def __init__(self, cpu_times: Any = psutil.cpu_times) -> None:
        self._cpu_times = cpu_times
        self._before: dict[str, float] | None = None

    def read(self) -> Iterator[Reading]:
        """Yield the number of processors and, from the second time on, how busy they were."""
        if count := psutil.cpu_count():
            yield Reading(names.SYSTEM_CPU_LOGICAL_COUNT, count, {})
        times = self._cpu_times()
        now: dict[str, float] = {}
        for field in times._fields:
            if mode := _MODES.get(field):
                now[mode] = now.get(mode, 0.0) + getattr(times, field)
        before, self._before = self._before, now
        if before is None:
            return
        # The kernel's counters of idle and iowait can go back a little: a share is never negative.
        spent = {mode: max(0.0, seconds - before[mode]) for mode, seconds in now.items()}
        total = sum(spent.values())
        for mode, seconds in spent.items():
            if total > 0:
                yield Reading(names.SYSTEM_CPU_UTILIZATION, seconds / total, {names.CPU_MODE: mode})


def memory(ram: Any, swap: Any) -> Iterator[Reading]:
    """Yield memory and swap by state; the states of memory add up to its limit."""
    states = {state: getattr(ram, state) for state in ("free", "cached", "buffers") if hasattr(ram, state)}
    states["used"] = max(0, ram.total - sum(states.values()))
    yield Reading(names.SYSTEM_MEMORY_LIMIT, ram.total, {})
    for state, size in states.items():
        yield Reading(names.SYSTEM_MEMORY_USAGE, size, {names.SYSTEM_MEMORY_STATE: state})
        yield Reading(names.SYSTEM_MEMORY_UTILIZATION, size / ram.total, {names.SYSTEM_MEMORY_STATE: state})
    if swap.total:
        yield Reading(names.SYSTEM_PAGING_USAGE, swap.used, {names.SYSTEM_PAGING_STATE: "used"})
        yield Reading(names.SYSTEM_PAGING_USAGE, swap.free, {names.SYSTEM_PAGING_STATE: "free"})


def disks(counters: Mapping[str, Any], blocks: Path = Path("/sys/block")) -> Iterator[Reading]:
    """Yield what each whole disk read and wrote, bytes; partitions are left out where the system tells them apart."""
    known = blocks.is_dir()
    shown = [name for name in counters if not name.startswith(("loop", "ram", "zram"))]
    for name in [n for n in shown if not known or (blocks / n.replace("/", "!")).exists()][:MAX_DEVICES]:
        for direction, size in (("read", counters[name].read_bytes), ("write", counters[name].write_bytes)):
            attributes = {names.SYSTEM_DEVICE: name, names.DISK_IO_DIRECTION: direction}
            yield Reading(names.SYSTEM_DISK_IO, size, attributes)


def interfaces(counters: Mapping[str, Any]) -> Iterator[Reading]:
    """Yield what each network interface received and sent, bytes; loopback and virtual ones are left out."""
    for name in [n for n in counters if not n.startswith(_VIRTUAL)][:MAX_DEVICES]:
        for direction, size in (("receive", counters[name].bytes_recv), ("transmit", counters[name].bytes_sent)):
            attributes = {names.NETWORK_INTERFACE_NAME: name, names.NETWORK_IO_DIRECTION: direction}
            yield Reading(names.SYSTEM_NETWORK_IO, size, attributes)


def filesystems() -> Probe:
    """Return the probe of the file systems that matter. Apart from the host, because a dead network mount hangs."""
    metrics = (names.SYSTEM_FILESYSTEM_USAGE, names.SYSTEM_FILESYSTEM_UTILIZATION)
    return Probe("the file systems", metrics, lambda: space(places()))


def places() -> list[str]:
    """Return the mount points of the working directory, of temporary files and of shared memory, each once."""
    found = [str(mount_point(Path(path))) for path in (Path.cwd(), tempfile.gettempdir(), "/dev/shm")]  # noqa: S108
    return list(dict.fromkeys(found))


def mount_point(path: Path) -> Path:
    """Return the mount point that `path` lies below; the nearest one that exists."""
    path = path.resolve()
    while not path.is_mount() and path != path.parent:
        path = path.parent
    return path


def space(mount_points: list[str]) -> Iterator[Reading]:
    """Yield the space of each file system by state, and the share of it that is used."""
    for mount in mount_points:
        try:
            usage = psutil.disk_usage(mount)
        except OSError:
            continue  # unmounted since, or not allowed: absent
        sizes = {"used": usage.used, "free": usage.free, "reserved": usage.total - usage.used - usage.free}
        for state, size in sizes.items():
            attributes = {names.SYSTEM_FILESYSTEM_MOUNTPOINT: mount, names.SYSTEM_FILESYSTEM_STATE: state}
            if size > 0 or state != "reserved":
                yield Reading(names.SYSTEM_FILESYSTEM_USAGE, size, attributes)
        if usage.used + usage.free:
            attributes = {names.SYSTEM_FILESYSTEM_MOUNTPOINT: mount, names.SYSTEM_FILESYSTEM_STATE: "used"}
            yield Reading(names.SYSTEM_FILESYSTEM_UTILIZATION, usage.used / (usage.used + usage.free), attributes)
