"""The report on a run: what was seen, and what to do about it. Reads the store, never the SDK."""
