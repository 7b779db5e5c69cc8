"""Ranks, stragglers, replicas that drift, and hangs: watched from a thread of its own, beside the steps."""
