"""Watching training steps."""
