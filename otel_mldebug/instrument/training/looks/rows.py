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
    width = max(sizes)
    nothing = samples[0].new_zeros(width)
    parts = [part for sample, size in zip(samples, sizes, strict=True) for part in (sample.reshape(-1), nothing[size:])]
    return torch.cat(parts).view(-1, width), torch.tensor(sizes)


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
    """Return 1 where the elements of samples are, and 0 behind them."""
    place = torch.arange(matrix.shape[1], dtype=matrix.dtype, device=matrix.device)
    return (counts.unsqueeze(1) - place).clamp_(0, 1)


def _finite(torch: Any, matrix: Any, total: Any, norm: Any, tiny: float, counts: Any) -> list[Any]:
    """Return the columns of rows that are finite.

    Masks are numbers here, and what is counted is summed up: on the CPU, comparing, `where`, `count_nonzero` and
    `aminmax` along a dimension take ten times as long as arithmetic.
    """
    width = matrix.shape[1]
    count = width if counts is None else counts
    mean = total / count
    centred = matrix - mean.unsqueeze(1)
    if counts is None:
        filled, root = matrix, count**0.5
    else:
        inside = _inside(torch, matrix, counts)
        filled, root = matrix + (1.0 - inside) * matrix[:, :1], count.sqrt()
        centred.mul_(inside)
    low, high = filled.amin(1), filled.amax(1)
    std = torch.linalg.vector_norm(centred, dim=1) / root
    size = matrix.abs()
    nonzero = size.sign().sum(1)
    small = nonzero - (size * (1.0 / tiny)).clamp_(max=1.0).floor_().sum(1) if tiny else torch.zeros_like(nonzero)
    zero = 1.0 - nonzero / count
    return [norm, mean, std, low, high, zero, torch.zeros_like(zero), small / count]


def _any(torch: Any, matrix: Any, tiny: float, counts: Any) -> list[Any]:
    width = matrix.shape[1]
    count = width if counts is None else counts
    finite = matrix.isfinite()
    if counts is not None:
        finite &= _inside(torch, matrix, counts).bool()
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
    found = [norm, mean, std, low, high, 1.0 - nonzero / count, bad, small / count]
    return [column.double() for column in found]


def _small(torch: Any, matrix: Any, tiny: float, zeros: Any) -> Any:
    """Count elements that are smaller than `tiny` and not zero."""
    return torch.count_nonzero(matrix.abs() < tiny, dim=1) - zeros


def _joined(torch: Any, matrix: Any, columns: list[Any], *, digest: bool) -> Any:
    """Return the columns side by side, with a digest of the bits: equal contents have equal ones, exactly."""
    joined = torch.stack(columns, dim=1).to(torch.float64)
    if not digest:
        return torch.cat([joined, joined.new_zeros(joined.shape[0], 3)], dim=1)
    bits = matrix.view(torch.int32 if matrix.dtype is torch.float32 else torch.int64)
    place = torch.arange(1, bits.shape[1] + 1, device=matrix.device)
    found = (bits.to(torch.int64) * place).sum(1)  # of one type, which is faster
    parts = [found & 0x1FFFFF, (found >> 21) & 0x1FFFFF, (found >> 42) & 0x3FFFFF]
    return torch.cat([joined, torch.stack(parts, dim=1).to(torch.float64)], dim=1)
