"""How often the kernel has killed a process of our control group for lack of memory."""

from pathlib import Path

_PROC = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")


def oom_kills(proc: Path = _PROC, root: Path = _ROOT) -> int | None:
    """Return the count since the control group exists; None where the system has none.

    Source: Linux Documentation/admin-guide/cgroup-v2.rst (memory.events), cgroup-v1/memory.rst (memory.oom_control).
    """
    try:
        rows = [line.split(":", 2) for line in proc.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return None
    files = [root / path.strip("/") / "memory.events" for number, _, path in rows if number == "0"]
    for _, controllers, path in rows:
        if "memory" in controllers.split(","):
            files.append(root / "memory" / path.strip("/") / "memory.oom_control")
    for file in files:
        if (count := _count(file)) is not None:
            return count
    return None


def _count(file: Path) -> int | None:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.isdigit():
            return int(value)
    return None
