"""Being told when the program has imported a module, without importing it or anything else that is heavy."""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from typing_extensions import override

from otel_mldebug._guard import fault


class OnImport(MetaPathFinder):
    """Calls `then` with the module `name` right after the program has imported it, once for each `install`.

    It only changes how that one module is executed, on the instance of its loader, and takes that back afterwards.
    What `then` raises never reaches the import.
    """

    def __init__(self, name: str, then: Callable[[ModuleType], None]) -> None:
        self._name, self._then = name, then

    def install(self) -> None:
        """Wait for the import; call `then` at once if it has happened."""
        module = sys.modules.get(self._name)
        if module is not None and not _initializing(module):
            self._call(module)
        elif self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Stop waiting."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(fullname, path, target)
            if spec is not None:
                try:
                    self._listen(spec)
                except Exception as exc:  # noqa: BLE001
                    fault(f"watch the import of {self._name}", exc)
                return spec
        return None

    def _listen(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        execute = getattr(loader, "exec_module", None)
        if loader is None or execute is None:
            return

        def exec_module(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)  # from here on the loader is as it was
            execute(module)
            self.remove()
            self._call(module)

        loader.exec_module = exec_module  # type: ignore[method-assign]

    def _call(self, module: ModuleType) -> None:
        try:
            self._then(module)
        except Exception as exc:  # noqa: BLE001
            fault(f"watch {self._name}", exc)


def _initializing(module: ModuleType) -> bool:
    """Whether another thread, or a frame further out, is still executing the module."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
