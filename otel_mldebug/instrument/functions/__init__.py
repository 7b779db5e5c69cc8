"""Watching function calls: `trace`, `span`, `statistics`."""

from otel_mldebug.instrument.functions.block import span
from otel_mldebug.instrument.functions.buckets import RELATIVE_ERROR
from otel_mldebug.instrument.functions.decorator import trace
from otel_mldebug.instrument.functions.statistics import FunctionStatistics, statistics

__all__ = ["RELATIVE_ERROR", "FunctionStatistics", "span", "statistics", "trace"]
