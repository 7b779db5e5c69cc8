"""A part of a time that is measured only now and then."""

_WEIGHT = 0.3
"""Weight of the latest measurement in the share."""


class Part:
    """How much of a growing total belongs to a part of it.

    What is between two measurements is taken to be like what was known before it, so that the part never shrinks: it is
    read as a counter.
    """

    __slots__ = ("_share", "_so_far", "_until")

    def __init__(self) -> None:
        self._until = self._so_far = 0.0
        self._share: float | None = None

    def learn(self, total: float, part: float, whole: float) -> None:
        """Take over one measurement.

        Args:
            total: The total now.
            part: What belonged to the part of what was measured.
            whole: What was measured.
        """
        if whole <= 0.0:
            return
        self._so_far, self._until = self.of(total), total
        share, known = part / whole, self._share
        self._share = share if known is None else known + _WEIGHT * (share - known)

    def of(self, total: float) -> float:
        """Return the part of `total`."""
        return self._so_far + (self._share or 0.0) * (total - self._until)
