"""What is put in place when a process starts being watched, and taken out again at the end."""

import importlib
from typing import Any

from otel_mldebug._guard import guard
from otel_mldebug.config import Config
from otel_mldebug.instrument.importing import OnImport
from otel_mldebug.instrument.uncaught import Uncaught


class Hooks:
    """The hooks of this process. Cheap to put in place: neither torch nor the SDK comes in with them."""

    def __init__(self) -> None:
        self._uncaught = Uncaught()
        self._import = OnImport("torch", self._found)
        self._training: Any = None

    def install(self, config: Config) -> None:
        """Put in place what the settings ask for."""
        if config.uncaught:
            self.watch_uncaught()
        if config.torch:
            self.watch_torch()

    def remove(self) -> None:
        """Take everything out."""
        self.leave_uncaught()
        self.leave_torch()

    def watch_uncaught(self) -> None:
        """Report exceptions that nobody catches."""
        self._uncaught.install()

    def leave_uncaught(self) -> None:
        """Stop that."""
        self._uncaught.remove()

    def watch_torch(self) -> None:
        """Watch training: now if the program has imported torch, else as soon as it does."""
        self._import.install()

    def leave_torch(self) -> None:
        """Take the hooks out of torch, or stop waiting for it."""
        self._import.remove()
        training, self._training = self._training, None
        if training is not None:
            with guard("take the hooks out of PyTorch"):
                training.uninstall()

    def _found(self, torch: Any) -> None:
        if self._training is None:
            training = importlib.import_module("otel_mldebug.instrument.training")
            training.install(torch)
            self._training = training
