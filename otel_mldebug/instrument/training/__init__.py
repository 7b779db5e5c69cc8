"""Training: steps, what they cost and produce, and what is wrong with them.

Importing this imports neither torch nor OpenTelemetry; `install` is called with torch once the program has imported it.
"""

import sys
from typing import Any

from otel_mldebug.instrument.training.progress import context, finish

__all__ = ["context", "install", "uninstall"]


def install(torch: Any) -> None:
    """Watch training from now on; nothing happens if that is so already.

    Args:
        torch: The module, which the program has imported.
    """
    from otel_mldebug.instrument.training.hooks import pytorch

    pytorch.install(torch)


def uninstall() -> None:
    """Stop watching: PyTorch is as it was before."""
    if (pytorch := sys.modules.get(f"{__name__}.hooks.pytorch")) is not None:
        pytorch.uninstall()
    finish()
