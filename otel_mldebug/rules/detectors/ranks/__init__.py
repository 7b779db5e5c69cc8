"""Detectors that compare the ranks of a distributed training: pure functions of what each rank tells of itself."""

from collections.abc import Callable, Sequence

from otel_mldebug.rules.detectors.ranks.batches import same_batches, uneven_batches
from otel_mldebug.rules.detectors.ranks.busier import busier_rank
from otel_mldebug.rules.detectors.ranks.reductions import clipped_before, summed_gradients
from otel_mldebug.rules.detectors.ranks.replicas import replicas_differ
from otel_mldebug.rules.detectors.ranks.straggler import straggler
from otel_mldebug.rules.detectors.ranks.weights import unequal_weights
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.ranks import RankView

__all__ = ["RANK_DETECTORS", "RankDetector"]

RankDetector = Callable[[Sequence[RankView]], Finding | None]
"""Judges the ranks, in order. `evidence["rank"]` is the one that differs from the others."""

RANK_DETECTORS: tuple[RankDetector, ...] = (
    replicas_differ,
    same_batches,
    straggler,
    busier_rank,
    uneven_batches,
    unequal_weights,
    summed_gradients,
    clipped_before,
)
