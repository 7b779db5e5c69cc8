"""`%load_ext otel_mldebug`: what `configure()` does, as an extension of IPython."""

from typing import Any

from otel_mldebug.wiring import configure, runtime, shutdown
from otel_mldebug.wiring.cells import watch


def load_ipython_extension(shell: Any) -> None:
    """Start watching this notebook: what `%load_ext otel_mldebug` calls. `configure` with settings may come before.

    Raises:
        ConfigError: a setting in the environment or a configuration file is unusable.
    """
    if runtime() is None:
        configure()
    watch(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Stop watching: what `%unload_ext otel_mldebug` calls."""
    shutdown()
