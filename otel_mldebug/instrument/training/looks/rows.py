"""Statistics of each row of a matrix, all rows in a few calls."""

from collections.abc import Sequence
from typing import Any

COLUMNS = 11
"""Norm, mean, standard deviation, lowest, highest, shares of zero, non-finite and tiny, three parts of a digest."""


def together(torch: Any, samples: Sequence[Any]) -> tuple[Any, Any]:
    """Return samples as rows of one matrix, and how many elements each has; None when all rows are full.

    Shorter rows are filled up with zeros. Lengths become a tensor here: only for samples that are at hand.

    Args:
        torch: The module.
        samples: Tensors of one type on one device.
    """
    sizes = [sample.numel() for sample in samples]
    if len(samples) == 1:
        return samples[0].reshape(1, -1), None
    if min(sizes) == max(sizes):
        return torch.stack([sample.reshape(-1) for sample in samples]), None
    pad = torch.nn.utils.rnn.pad_sequence
    return pad([sample.reshape(-1) for sample in samples], batch_first=True), torch.tensor(sizes)


def rows(torch: Any, matrix: Any, tiny: float, *, direct: bool, digest: bool, counts: Any = None) -> Any:
    """Return `COLUMNS` numbers for each row of `matrix`; launches kernels and, unless `direct`, waits for none.

    Args:
        torch: The module.
        matrix: Samples of tensors, float32 or float64, with at least one column.
        tiny: Smallest normal number of their own type; 0 where there are none.
        direct: Its elements are at hand: what is not finite costs only where there is some.
        digest: Equal contents can be told by the last three; they are 0 otherwise.
        counts: Elements of each row, what is behind them is 0; None when rows are full.
    """
    total = matrix.sum(1)
    if direct:
        norm = torch.linalg.vector_norm(matrix, dim=1)
        if bool((total + norm).isfinite().all()):
            return _joined(torch, matrix, _finite(torch, matrix, total, norm, tiny, counts), digest=digest)
    return _joined(torch, matrix, _any(torch, matrix, tiny, counts), digest=digest)


def _inside(torch: Any, matrix: Any, counts: Any) -> Any:
    """Return where the elements of samples are."""
    return torch.arange(matrix.shape[1], device=matrix.device) < counts.unsqueeze(1)


def _finite(torch: Any, matrix: Any, total: Any, norm: Any, tiny: float, counts: Any) -> list[Any]:
    width = matrix.shape[1]
    count = width if counts is None else counts
    mean = total / count
    centred = matrix - mean.unsqueeze(1)
    if counts is None:
        low, high = torch.aminmax(matrix, dim=1)
        std = torch.linalg.vector_norm(centred, dim=1) / count**0.5
    else:
        inside = _inside(torch, matrix, counts)
        low, high = torch.aminmax(matrix.where(inside, matrix[:, :1]), dim=1)
        std = torch.linalg.vector_norm(centred.mul_(inside), dim=1) / count.sqrt()
    nonzero = torch.count_nonzero(matrix, dim=1)
    small = _small(torch, matrix, tiny, (width - nonzero)) if tiny else torch.zeros_like(nonzero)
    zero = 1.0 - nonzero / count
    return [norm, mean, std, low, high, zero, torch.zeros_like(zero), small / count]


def _any(torch: Any, matrix: Any, tiny: float, counts: Any) -> list[Any]:
    width = matrix.shape[1]
    count = width if counts is None else counts
    finite = matrix.isfinite()
    if counts is not None:
        finite &= _inside(torch, matrix, counts)
    good = finite.sum(1)
    values = matrix.where(finite, 0.0).double()  # squares of large float32 would overflow
    mean = values.sum(1) / good.clamp(min=1)
    std = torch.linalg.vector_norm((values - mean.unsqueeze(1)) * finite, dim=1) / good.clamp(min=1).double().sqrt()
    low = matrix.where(finite, torch.inf).amin(1).where(good > 0, 0.0)
    high = matrix.where(finite, -torch.inf).amax(1).where(good > 0, 0.0)
    nonzero = torch.count_nonzero(matrix, dim=1)
    small = _small(torch, matrix, tiny, width - nonzero) if tiny else torch.zeros_like(nonzero)
    bad = 1.0 - good.double() / count
    norm = torch.linalg.vector_norm(values, dim=1)
    return [norm, mean, std, low, high, 1.0 - nonzero / count, bad, small / count]


def _small(torch: Any, matrix: Any, tiny: float, zeros: Any) -> Any:
    """Count elements that are smaller than `tiny` and not zero."""
    return torch.count_nonzero(matrix.abs() < tiny, dim=1) - zeros


def _joined(torch: Any, matrix: Any, columns: list[Any], *, digest: bool) -> Any:
    """Return the columns side by side, with a digest of the bits: equal contents have equal ones, exactly."""
    columns = [column.to(torch.float64) for column in columns]
    if not digest:
        return torch.stack([*columns, *[torch.zeros_like(columns[0])] * 3], dim=1)
    bits = matrix.view(torch.int32 if matrix.dtype is torch.float32 else torch.int64)
    place = torch.arange(1, bits.shape[1] + 1, device=matrix.device)
    found = (bits * place).sum(1)
    parts = [found & 0x1FFFFF, (found >> 21) & 0x1FFFFF, (found >> 42) & 0x3FFFFF]
    return torch.stack([*columns, *(part.to(torch.float64) for part in parts)], dim=1)
