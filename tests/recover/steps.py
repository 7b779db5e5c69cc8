"""Steps that fail on purpose."""

from typing import Any


class Step:
    """Fails for some batches."""

    def __init__(self, **fails: Any) -> None:
        self.fails = {int(key[1:]): value for key, value in fails.items()}
        self.called: list[int] = []

    def __call__(self, batch: int) -> Any:
        self.called.append(batch)
        found = self.fails.get(batch, 1.0)
        if isinstance(found, BaseException):
            raise found
        return found
