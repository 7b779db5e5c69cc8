"""The registry of names and units: the one place where a telemetry name is typed."""
