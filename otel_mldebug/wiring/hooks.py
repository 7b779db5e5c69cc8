"""What is put in place when a process starts being watched, and taken out again at the end."""

import importlib
import sys
from typing import Any

from otel_mldebug._guard import guard
from otel_mldebug.wiring.runtime import Runtime


class Hooks:
    """The hooks of this process. Cheap to put in place: neither torch nor the SDK comes in with them."""

    def __init__(self) -> None:
        self._torch = False
        self._waiting_for_torch = False

    def install(self, runtime: Runtime) -> None:
        """Put in place what the settings ask for."""
        if runtime.config.torch:
            self._watch_torch()

    def opened(self, runtime: Runtime) -> None:
        """Start what needs a pipeline."""

    def remove(self) -> None:
        """Take everything out."""
        if self._torch:
            self._torch = False
            training = _training()
            if training is not None:
                training.uninstall()

    def _watch_torch(self) -> None:
        if "torch" in sys.modules:
            self._install_torch(sys.modules["torch"])
        elif not self._waiting_for_torch:
            from wrapt import register_post_import_hook

            self._waiting_for_torch = True
            register_post_import_hook(self._install_torch, "torch")

    def _install_torch(self, torch: Any) -> None:
        with guard("watch PyTorch"):
            training = _training()
            if training is not None and not self._torch:
                training.install(torch)
                self._torch = True


def _training() -> Any:
    module = importlib.import_module("otel_mldebug.instrument.training")
    return module if hasattr(module, "install") else None
