"""The local record of runs: lines of OTLP JSON for each process, and an index that can be thrown away."""
