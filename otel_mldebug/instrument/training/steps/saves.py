"""How long writing takes, checkpoints above all, for the records of the steps that it delays."""

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from typing_extensions import override

from otel_mldebug.instrument.replaced import Replaced, ReplacedOnImport

LEAST_S = 0.001
"""Seconds since the record before, below which nothing is said."""
WRITERS: Mapping[str, tuple[str, ...]] = {
    "pickle": ("dump", "dumps"),
    "gzip": ("GzipFile.write", "GzipFile.close", "compress"),
    "bz2": ("BZ2File.write", "compress"),
    "lzma": ("LZMAFile.write", "compress"),
    "zlib": ("compress",),
    "zipfile": ("ZipFile.write", "ZipFile.writestr"),
    "tarfile": ("TarFile.add",),
    "shutil": ("copyfile", "copytree", "make_archive"),
    "os": ("fsync",),
    "json": ("dump",),
    "numpy": ("save", "savez", "savez_compressed", "savetxt"),
    "joblib": ("dump",),
    "safetensors.torch": ("save_file", "save_model"),
}
"""Functions, and methods of classes, that write or get ready what is to be written, by module. All are called for
something as a whole: none calls itself for each small part of it."""


class _Spent(threading.local):
    """What one thread has spent, seconds, by function: what others write meanwhile delays no step of this one."""

    def __init__(self) -> None:
        self.within = False
        self.seconds: dict[str, float] = {}


class _Writer(Replaced):
    """A function that is timed, found under the name of the module that it is called by: it can still be pickled."""

    @override
    def install(self) -> None:
        super().install()
        if isinstance(self._owner, ModuleType):
            self._ours.__module__ = self._owner.__name__


class Saves(ReplacedOnImport):
    """Adds up the time that `torch.save` and other functions that write take. Those inside of others count once.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(WRITERS, self._replaced)
        self._clock = clock
        self._spent = _Spent()
        self.on = True

    def saving(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `torch.save` that is timed."""
        return self._timed("torch.save", original)

    def take(self) -> dict[str, Any]:
        """Return the calling thread's seconds since its last call, and where most of them went, as fields of a record.

        Nothing for next to nothing.
        """
        spent = self._spent.seconds
        if not spent:
            return {}
        seconds, most = sum(spent.values()), max(spent, key=spent.__getitem__)
        spent.clear()
        return {"save_s": seconds, "saved_by": most} if seconds >= LEAST_S else {}

    def _replaced(self, module: ModuleType) -> list[Replaced]:
        found: list[Replaced] = []
        for name in WRITERS[module.__name__]:
            kind, _, function = name.rpartition(".")
            owner = getattr(module, kind, None) if kind else module
            if owner is not None and function in vars(owner):
                found.append(_Writer(owner, function, partial(self._timed, f"{module.__name__}.{name}")))
        return found

    def _timed(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        mine, clock = self._spent, self._clock

        def write(*args: Any, **kwargs: Any) -> Any:
            if mine.within or not self.on:
                return original(*args, **kwargs)
            mine.within = True
            began = clock()
            try:
                return original(*args, **kwargs)
            finally:
                mine.within = False
                mine.seconds[name] = mine.seconds.get(name, 0.0) + clock() - began

        return write
