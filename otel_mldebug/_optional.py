"""The one door to optional packages."""

import importlib
import sys
from types import ModuleType

from otel_mldebug.errors import MissingDependencyError


def require(module: str, *, needed_to: str, extra: str) -> ModuleType:
    """Import `module` now, at the point of use.

    Raises:
        MissingDependencyError: it is not installed; the message says what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise MissingDependencyError(module, needed_to=needed_to, extra=extra) from exc


def loaded(module: str) -> ModuleType | None:
    """Return `module` if the *user* imported it; never import seconds' worth of code to look around."""
    return sys.modules.get(module)
