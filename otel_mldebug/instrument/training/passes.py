"""Passes over one loader."""


class Passes:
    """Passes over one loader. One that was given up after its first batch counts for none: `next(iter(loader))`.

    Attributes:
        done: Passes that have ended.
        batches: Batches of the current one.
        trained: Whether backward has followed one of its batches.
    """

    __slots__ = ("batches", "done", "trained")

    def __init__(self) -> None:
        self.done = 0
        self.batches = 0
        self.trained = False

    def begin(self) -> None:
        """Start a pass; the one before it has ended at the latest now."""
        if self.batches > 1:
            self.done += 1
        self.batches = 0

    def exhausted(self) -> None:
        """End the pass: the loader has no more batches."""
        if self.batches:
            self.done += 1
        self.batches = 0
