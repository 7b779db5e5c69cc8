"""Puts the parts together: how a process starts, joins or sets up OpenTelemetry, and ends."""

from otel_mldebug.wiring.process import capture_exception, configure, runtime, shutdown, start

__all__ = ["capture_exception", "configure", "runtime", "shutdown", "start"]
