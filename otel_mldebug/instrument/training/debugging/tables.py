"""Plain text tables for people."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns that line up: the first to the left, others to the right if all they hold are numbers."""
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [place > 0 and all(map(_number, column[1:])) for place, column in enumerate(columns)]
    lines = []
    for row in (head, *rows):
        cells = zip(row, widths, right, strict=True)
        lines.append("  ".join(cell.rjust(width) if to else cell.ljust(width) for cell, width, to in cells).rstrip())
    return "\n".join(lines)


def _number(cell: str) -> bool:
    return not cell or cell[0] in "-+0123456789" or cell in ("nan", "inf")
