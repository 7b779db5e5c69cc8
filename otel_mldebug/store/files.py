"""One growing file of lines, written by one process."""

import os
from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class RemovedError(OSError):
    """The file is not in its directory any more."""


class LineFile:
    """A file that whole lines are appended to. Not locked: its owner is.

    Attributes:
        path: Where it is.
        size_bytes: What this object has written to it.
        items: Records in those lines.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_bytes = 0
        self.items = 0
        self._fd: int | None = None
        self._torn = False

    def append(self, line: bytes, items: int) -> None:
        """Write one line, or nothing of it.

        Raises:
            RemovedError: somebody removed the file; the next call makes it anew.
            OSError: there is no room, no permission, no directory.
        """
        if self._fd is None:
            self._fd = os.open(self.path, _FLAGS, 0o666)
        elif os.fstat(self._fd).st_nlink == 0 and not self.path.exists():  # some file systems never count links
            self.close()
            self.size_bytes = self.items = 0
            raise RemovedError(f"{self.path} has been removed")
        if self._torn:
            line = b"\n" + line
        written = 0
        try:
            while written < len(line):  # once, but for a disk that is about to be full
                written += os.write(self._fd, line[written:] if written else line)
        except OSError:
            if written:
                self._torn = True
                os.ftruncate(self._fd, self.size_bytes)
                self._torn = False
            raise
        self._torn = False
        self.size_bytes += len(line)
        self.items += items

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def move(self, target: Path) -> None:
        """Close the file and give it another name; the next `append` starts a new one.

        Raises:
            OSError: it cannot be renamed; it goes on as it is then.
        """
        self.close()
        self.path.rename(target)
        self.size_bytes = self.items = 0
