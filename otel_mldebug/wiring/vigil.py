"""What the vigil over training is told of the settings and of the run."""

from otel_mldebug.instrument.training.distributed.settings import Settings
from otel_mldebug.store.layout import run_directory
from otel_mldebug.wiring.runtime import Runtime


def settings(runtime: Runtime) -> Settings:
    """Return them as they are now: a run that nobody has named gets its id with the first thing recorded."""
    config = runtime.config
    run_id = config.run_id or runtime.run_id
    directory = run_directory(config.store, run_id) if config.local and run_id else None
    return Settings(hang_timeout=config.hang_timeout, directory=directory)
