"""Signals out of the process: findings, spans, metrics, to the store, to OTLP and to Prometheus."""
