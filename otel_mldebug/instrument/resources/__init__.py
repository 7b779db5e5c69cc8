"""Sampling the host, the process and the GPU."""
