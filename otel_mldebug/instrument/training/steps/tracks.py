"""The tracks of all threads."""

import threading

from otel_mldebug.instrument.training.steps.track import NOBODY, Track


class _End:
    """Disowns a track when its thread ends: the next thread may get the same identity."""

    def __init__(self, track: Track) -> None:
        self._track = track

    def __del__(self) -> None:
        self._track.owner = NOBODY


class _Local(threading.local):
    def __init__(self) -> None:
        self.track = Track(threading.get_ident())
        self.end = _End(self.track)


class Tracks:
    """What is going on in each thread.

    Attributes:
        lit: The track whose steps are only counted, if there is one: its `light` tells. Hooks look here first, since
            what a thread keeps for itself is far away for them; they ask for `track` when it is not theirs.
    """

    __slots__ = ("_local", "lit")

    def __init__(self) -> None:
        self._local = _Local()
        self.lit = Track()

    @property
    def track(self) -> Track:
        """Return the one of the calling thread."""
        found: Track = self._local.track
        return found

    def restart(self) -> None:
        """Forget what has been in all threads: of a forked child's, this is the only one."""
        self.lit = self.track
        self.lit.restart()
