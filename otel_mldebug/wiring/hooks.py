"""What is put in place when a process starts being watched, and taken out again at the end."""

import importlib
import sys
from typing import Any

from otel_mldebug._guard import guard
from otel_mldebug.config import Config
from otel_mldebug.instrument.uncaught import Uncaught


class Hooks:
    """The hooks of this process. Cheap to put in place: neither torch nor the SDK comes in with them."""

    def __init__(self) -> None:
        self._uncaught = Uncaught()
        self._training: Any = None
        self._wanted = False
        self._registered = False

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
        self._wanted = True
        if "torch" in sys.modules:
            self._install(sys.modules["torch"])
        elif not self._registered:
            from wrapt import register_post_import_hook

            self._registered = True  # such a hook cannot be taken out: it asks whether it is still wanted
            register_post_import_hook(self._install, "torch")

    def leave_torch(self) -> None:
        """Take the hooks out of torch."""
        self._wanted = False
        training, self._training = self._training, None
        if training is not None:
            with guard("take the hooks out of PyTorch"):
                training.uninstall()

    def _install(self, torch: Any) -> None:
        if self._wanted and self._training is None:
            with guard("watch PyTorch"):  # nothing of ours may make `import torch` fail
                training = importlib.import_module("otel_mldebug.instrument.training")
                training.install(torch)
                self._training = training
