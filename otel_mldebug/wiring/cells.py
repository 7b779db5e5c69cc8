"""Notebooks: errors of cells become findings, and findings are shown under the cell that made them.

The error of a cell never reaches `sys.excepthook`: IPython prints it itself. So we look at the cell's result once it is
done. Nothing of IPython is replaced.
"""

import sys
import threading
from typing import Any

from otel_mldebug._guard import guard
from otel_mldebug.instrument import sink
from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.store.contract import finding_json
from otel_mldebug.wiring.display import Findings
from otel_mldebug.wiring.process import listeners

MAX_SHOWN = 3
"""Groups of findings shown under one cell; the rest is counted."""
_EVENT = "post_run_cell"


class CellWatcher:
    """Collects what is found while a cell runs and shows it afterwards.

    Args:
        shell: The IPython shell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._found: dict[str, Occurrence] = {}
        self._lock = threading.Lock()

    def install(self) -> None:
        """Begin."""
        self._shell.events.register(_EVENT, self.after_cell)
        listeners.append(self.found)

    def remove(self) -> None:
        """Stop."""
        self._shell.events.unregister(_EVENT, self.after_cell)
        if self.found in listeners:
            listeners.remove(self.found)

    def found(self, occurrence: Occurrence) -> None:
        """Remember a finding until the cell is done; of a group the first."""
        with self._lock:
            key = occurrence.finding.fingerprint or occurrence.finding.rule
            known = self._found.get(key)
            self._found[key] = occurrence if known is None else known

    def after_cell(self, result: Any) -> None:
        """Report the cell's error, and show what was found."""
        with guard("show findings under a cell"):
            # A cell that cannot be compiled has an error too, `error_before_exec`, which says all there is to say.
            exc = getattr(result, "error_in_exec", None)
            if isinstance(exc, BaseException):
                number = getattr(result, "execution_count", None)
                where = "cell" if number is None else f"cell {number}"
                if (occurrence := sink.current().exception(exc, context={"uncaught": where})) is not None:
                    self.found(occurrence)
            self._show()

    def _show(self) -> None:
        with self._lock:
            found, self._found = list(self._found.values()), {}
        if not found:
            return
        from IPython.display import display

        display(Findings([finding_json(occurrence, {}) for occurrence in found[:MAX_SHOWN]]))
        if len(found) > MAX_SHOWN:
            display(f"{len(found) - MAX_SHOWN} more: otel_mldebug.summary()")


_watchers: dict[int, CellWatcher] = {}


def shell() -> Any:
    """Return the IPython shell that this process runs, without importing IPython; None outside of one."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None and hasattr(module, "get_ipython") else None


def watch(shell: Any) -> None:
    """Watch the cells of `shell`, unless that has been done."""
    if id(shell) not in _watchers:
        watcher = _watchers[id(shell)] = CellWatcher(shell)
        watcher.install()


def leave() -> None:
    """Watch no cells any more."""
    while _watchers:
        _, watcher = _watchers.popitem()
        with guard("leave the notebook"):
            watcher.remove()
