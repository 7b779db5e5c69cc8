"""Looks into single training steps: every parameter, every operation, what went in. See `Looker`."""
