"""Failures out of text: pasted tracebacks, notebook output, whole logs. Text in, `ErrorFacts` out; bounded memory."""
