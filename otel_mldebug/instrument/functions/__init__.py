"""Watching function calls."""
