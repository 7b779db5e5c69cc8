"""OTLP to a collector: sent by one thread that never blocks the program, and gives up in time at its end."""
