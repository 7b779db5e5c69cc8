"""Passes over one loader, or over loaders that are made anew for each pass."""

from itertools import count

_numbers = count(1)


class Passes:
    """Passes over one loader. One that was given up after its first batch counts for none: `next(iter(loader))`.

    Attributes:
        alike: What gives all workers the same random numbers, in words; empty if nothing is known to.
        done: Passes that have ended.
        batches: Batches of the current one.
        trained: Whether backward has followed one of its batches.
        number: Of the current one, among all passes over all loaders of the process.
        length: Batches of a whole one; 0 when that is not known.
        samples: Samples of a whole one; 0 when that is not known.
        drawn: What tells the order of the samples of the current one from that of another loader over as many: 0 for
            the order in which they are, and the state of the generator that it was drawn from; None when unknown.
        loaders: How many loaders had a pass each.
    """

    __slots__ = ("alike", "batches", "done", "drawn", "length", "loaders", "number", "samples", "trained")

    def __init__(self, length: int = 0) -> None:
        self.alike = ""
        self.number = 0
        self.length = length
        self.samples = 0
        self.drawn: int | None = None
        self.loaders = 1
        self.done = 0
        self.batches = 0
        self.trained = False

    def apart(self, other: "Passes") -> bool:
        """Return whether both go through as many samples, in two orders that have nothing to do with each other."""
        known = self.drawn is not None and other.drawn is not None and self.drawn != other.drawn
        return known and 0 < self.samples == other.samples and 0 < self.length == other.length

    def begin(self) -> None:
        """Start a pass; the one before it has ended at the latest now."""
        if self.batches > 1:
            self.done += 1
        self.batches = 0
        self.number = next(_numbers)

    def exhausted(self) -> None:
        """End the pass: the loader has no more batches."""
        if self.batches:
            self.done += 1
        self.batches = 0

    def goes_on(self) -> bool:
        """Return whether a further loader can be one more pass: each one so far had one, and it has ended."""
        return self.done == self.loaders and not self.batches
