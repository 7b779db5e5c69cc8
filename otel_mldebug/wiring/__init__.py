"""Puts the parts together: how a process starts, joins or sets up OpenTelemetry, and ends."""

from otel_mldebug.wiring.capture import capture_exception
from otel_mldebug.wiring.process import configure, runtime, shutdown, start, unwatch, watch

__all__ = ["capture_exception", "configure", "runtime", "shutdown", "start", "unwatch", "watch"]
