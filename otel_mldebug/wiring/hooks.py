"""What is put in place when a process starts being watched, and taken out again at the end."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal

from otel_mldebug._guard import guard
from otel_mldebug.instrument import training
from otel_mldebug.instrument.futures import Futures
from otel_mldebug.instrument.importing import OnImport
from otel_mldebug.instrument.later import later
from otel_mldebug.instrument.logged import Logged
from otel_mldebug.instrument.loops import Loops
from otel_mldebug.instrument.pools import Pools
from otel_mldebug.instrument.printed import Printed
from otel_mldebug.instrument.processes import Processes
from otel_mldebug.instrument.training import options
from otel_mldebug.instrument.training.distributed.settings import provide
from otel_mldebug.instrument.uncaught import Uncaught
from otel_mldebug.wiring.joining import Noticing
from otel_mldebug.wiring.runtime import Runtime
from otel_mldebug.wiring.vigil import settings

Part = Literal["errors", "torch", "resources"]
PARTS: tuple[Part, ...] = ("errors", "torch", "resources")
"""What can be watched; each is an instrumentor of its own under `opentelemetry-instrument`."""


class Hooks:
    """The hooks of this process. Cheap to put in place: neither torch nor the SDK comes in with them."""

    def __init__(self) -> None:
        self._unasked = (Futures(), Pools())
        self._uncaught = (Uncaught(), Processes(), Loops(), *self._unasked)
        self._told = (Logged(), Printed())
        self._import = OnImport("torch", self._found)
        self._torch = False
        self._profile = ""
        self._end_profile: Callable[[], None] = lambda: None
        self._noticing: tuple[Noticing, ...] = ()
        self.parts: set[Part] = set()
        """What is being watched, as far as the settings allow."""

    def install(self, runtime: Runtime, parts: Iterable[Part]) -> None:
        """Put in place those of `parts` that the settings allow."""
        for part in parts:
            self.parts.add(part)
            if part == "errors":
                self._see_errors(runtime)
            elif part == "torch" and runtime.config.torch:
                self._profile = runtime.config.profile_steps
                options.use(options.Options(layers=runtime.config.layers))
                provide(partial(settings, runtime))
                self._import.install()
            elif part == "resources" and runtime.config.resources:
                runtime.sample(True)

    def remove(self, runtime: Runtime, parts: Iterable[Part]) -> None:
        """Take `parts` out."""
        for part in parts:
            self.parts.discard(part)
            if part == "errors":
                for watching in (*self._uncaught, *self._told):
                    watching.remove()
                later.drain()
                for noticing in self._noticing:
                    noticing.remove()
                self._noticing = ()
            elif part == "torch":
                self._leave_torch()
            else:
                runtime.sample(False)

    def ending(self) -> None:
        """Report what is only known to have gone wrong once the program ends."""
        if "errors" in self.parts:
            for watching in self._unasked:
                watching.ending()

    def after_fork(self) -> None:
        """Forget what the parent was about to report, in the child."""
        later.after_fork()
        for watching in self._unasked:
            watching.after_fork()

    def _see_errors(self, runtime: Runtime) -> None:
        if runtime.config.uncaught:
            for watching in self._uncaught:
                watching.install()
        if runtime.config.logged:
            for telling in self._told:
                telling.install()
        if not self._noticing:
            self._noticing = (
                Noticing("opentelemetry.trace", "set_tracer_provider", "get_tracer_provider", _joins(runtime, "spans")),
                Noticing("opentelemetry._logs", "set_logger_provider", "get_logger_provider", _joins(runtime, "logs")),
            )
        for noticing in self._noticing:
            noticing.install()

    def _leave_torch(self) -> None:
        self._import.remove()
        self._torch = False
        with guard("profile steps"):
            end, self._end_profile = self._end_profile, lambda: None
            end()
        with guard("take the hooks out of PyTorch"):
            training.uninstall()

    def _found(self, torch: Any) -> None:
        if not self._torch:
            training.install(torch)
            self._torch = True
            if self._profile:
                with guard("profile steps"):
                    from otel_mldebug.wiring.profiling import by_setting

                    self._end_profile = by_setting(self._profile)


def _joins(runtime: Runtime, what: Literal["spans", "logs"]) -> Callable[[Any], None]:
    adds = "add_span_processor" if what == "spans" else "add_log_record_processor"

    def join(provider: Any) -> None:
        if hasattr(provider, adds):  # one of the SDK's, not the API's stand-in
            getattr(runtime.joined, what)(provider)

    return join
