"""Puts the parts together: how a process starts, joins or sets up OpenTelemetry, and ends."""

from otel_mldebug.wiring.process import configure, shutdown, start

__all__ = ["configure", "shutdown", "start"]
