"""Sampling the host, this process and its GPUs."""

import multiprocessing
import os
from typing import TYPE_CHECKING, Protocol

from otel_mldebug._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter

    from otel_mldebug.config import Config
    from otel_mldebug.instrument.resources.reading import Probe

SCOPE = "otel_mldebug.resources"
_IMPORTED_BY = os.getpid()


class Stoppable(Protocol):
    """What `start` returns."""

    def stop(self) -> None:
        """Take no more readings."""


class _Nothing(Stoppable):
    """Stands for a driver where nothing is sampled."""

    def stop(self) -> None:
        """Do nothing."""


def start(meter: "Meter", config: "Config") -> Stoppable:
    """Start sampling, in threads of its own, and register the instruments with `meter`.

    Nothing is sampled in processes that only help: those that `multiprocessing` started, unless they are a rank of
    their own, and those that were forked. The host is sampled by the first rank on it only.

    Args:
        meter: Where the instruments are registered.
        config: Settings; `resources_interval_s` is looked at.

    Returns:
        What `stop` is to be called on.
    """
    if is_helper():
        return _Nothing()
    from otel_mldebug.instrument.resources import snapshot
    from otel_mldebug.instrument.resources.driver import Driver, Sampler

    driver = Driver(meter, [Sampler(probe, config.resources_interval_s) for probe in probes()])
    driver.start()
    snapshot.use(driver)
    return driver


def is_helper() -> bool:
    """Whether this process only works for another one, which samples for it."""
    forked = os.getpid() != _IMPORTED_BY
    return forked or (multiprocessing.parent_process() is not None and "RANK" not in os.environ)


def probes() -> "list[Probe]":
    """Return the probes that this process reads. One that cannot be made is left out."""
    from otel_mldebug.instrument.resources import gpu, host, process
    from otel_mldebug.instrument.resources.reading import late

    makers: list[Callable[[], Probe]] = [process.process, lambda: late("the GPUs", gpu.METRICS, gpu.probe)]
    if os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID", "0")) == "0":
        makers += [host.host, host.filesystems]
    found = []
    for make in makers:
        with guard("find out what can be measured"):
            found.append(make())
    return found
