"""From tensors to the names that people gave them: `encoder.fc1.weight`. Holds nothing but weak references."""

import gc
import weakref
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

_PREFIXES = ("_orig_mod.", "_forward_module.", "_original_module.", "module.", "_fsdp_wrapped_module.")
"""What torch.compile, Fabric, DDP and FSDP put in front of the names of the model that they wrap."""
_FABRIC = {"_forward_module", "_original_module"}
"""What Fabric's wrapper holds: the model as other wrappers have it, and as it was."""
_MOST_SEARCHES = 4
"""Searches through all objects of the process: each takes about 0.2 s for a million objects."""
_MOST_LOOSE = 1000
"""Parameters without a model, after which those that are gone are forgotten."""


class Layers:
    """Knows the models of the process and the qualified names of their parameters, buffers and modules.

    Modules are noted when something is registered in them, by torch's own registration hooks: nothing runs in a
    forward pass. A model that was there before the hooks, or that was copied or unpickled, is searched for once it is
    needed.

    Args:
        torch: The module.

    Attributes:
        only: The model that is being trained, where there is just one.
    """

    def __init__(self, torch: Any) -> None:
        self._module_type = torch.nn.Module
        self._noted: list[weakref.ref[Any]] = []
        self._latest: int = 0
        self._roots: list[weakref.ref[Any]] = []
        self._focus: list[weakref.ref[Any]] = []
        self._inner: list[weakref.ref[Any]] = []
        self.only: weakref.ref[Any] | None = None
        self._names: dict[int, tuple[weakref.ref[Any], weakref.ref[Any], str]] = {}
        self._loose: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._searches = 0
        self._prefixes: dict[int, tuple[weakref.ref[Any], str]] = {}

    def note(self, module: Any, *_: Any) -> None:
        """Note a module in which a parameter or a module is being registered."""
        if id(module) != self._latest:
            self._latest = id(module)
            self._noted.append(weakref.ref(module))
            if len(self._noted) > 50_000:
                self._noted = [ref for ref in self._noted if ref() is not None][-25_000:]

    def learn(self, parameters: Iterable[Any], *, search: bool = True) -> None:
        """Make sure that `parameters` have names, if they belong to any module.

        Args:
            parameters: Tensors that an optimizer or a graph holds.
            search: Go through all objects of the process if the modules noted are not enough.
        """
        unknown = [p for p in parameters if not self._knows(p)]
        if not unknown:
            return
        wanted = {id(p) for p in unknown}
        noted = (module for ref in self._noted if (module := ref()) is not None)
        wanted = self._adopt(noted, wanted)
        if wanted and search and self._searches < _MOST_SEARCHES:
            self._searches += 1
            self._adopt(self._all_modules(), wanted)

    def _all_modules(self) -> Iterator[Any]:
        kinds: dict[type, bool] = {}
        for thing in gc.get_objects():
            kind = type(thing)  # not isinstance: that would ask proxies for their class
            known = kinds.get(kind)
            if known is None:
                known = kinds[kind] = issubclass(kind, self._module_type)
            if known:
                yield thing

    def _adopt(self, modules: Iterable[Any], wanted: set[int]) -> set[int]:
        """Name the tensors of those roots among `modules` that hold something wanted; return what stays unnamed."""
        every = {id(m): m for m in modules if m.__dict__.get("_modules") is not None}
        children = {id(c) for m in every.values() for c in list(m._modules.values()) if c is not None}
        found = []
        for key, root in every.items():
            if key in children:
                continue
            ids = {id(p) for p in root.parameters()}
            if ids & wanted:
                found.append(root)
                wanted = wanted - ids
        known = [root for ref in self._roots if (root := ref()) is not None]
        fresh = [root for root in found if all(root is not k for k in known)]
        self._roots = [weakref.ref(root) for root in (*known, *fresh)]
        for root in found:
            ref = weakref.ref(root)
            for name, tensor in _tensors(root):
                self._names[id(tensor)] = (weakref.ref(tensor), ref, plain(name))
        return wanted

    def focus(self, parameters: Iterable[Any]) -> None:
        """Say which parameters are being trained: their models count, and are told apart by class if several are."""
        self.learn(parameters := list(parameters))
        roots = {id(found[1]): found[1] for p in parameters if (found := self._names.get(id(p))) is not None}
        self._focus = list(roots.values())
        self._inner = [weakref.ref(_unwrap(root)) for ref in self._focus if (root := ref()) is not None]
        self.only = self._inner[0] if len(self._inner) == 1 else None

    def trained(self) -> list[Any]:
        """Return the models that are being trained, unwrapped."""
        return [root for ref in self._inner if (root := ref()) is not None]

    def evaluating(self) -> bool:
        """Return whether there are models that are being trained, and all of them are in evaluation mode now."""
        found = False
        for ref in self._inner:
            if (root := ref()) is not None:
                if root.training:
                    return False
                found = True
        return found

    def name(self, tensor: Any) -> str:
        """Return the qualified name of a parameter or buffer; empty when it has none."""
        found = self._names.get(id(tensor))
        return self._spell(found) if found is not None and found[0]() is tensor else ""

    def optimized(self, optimizer: Any, name: str) -> None:
        """Note where an optimizer holds those parameters that belong to no model; `name` is the optimizer's."""
        if len(self._loose) > _MOST_LOOSE:
            self._loose = {key: known for key, known in self._loose.items() if known[0]() is not None}
        groups = optimizer.param_groups
        for number, group in enumerate(groups):
            of = f"{name} group {number}" if len(groups) > 1 else name
            for place, parameter in enumerate(group["params"]):
                if not self._knows(parameter):
                    self._loose[id(parameter)] = weakref.ref(parameter), f"#{place} of {of} ({_shape(parameter)})"

    def label(self, tensor: Any, place: int) -> str:
        """Return the name of a parameter, or what tells it from others: `#0 of Adam (8x16)`.

        Args:
            tensor: The parameter.
            place: Among those that are spoken of; says which it is where nothing else does.
        """
        loose = self._loose.get(id(tensor))
        known = loose[1] if loose is not None and loose[0]() is tensor else ""
        return self.name(tensor) or known or f"#{place} ({_shape(tensor)})"

    def _spell(self, found: tuple[weakref.ref[Any], weakref.ref[Any], str]) -> str:
        root = found[1]() if len(self._focus) > 1 else None
        return f"{self._prefix(root)}.{found[2]}" if root is not None else found[2]

    def _prefix(self, root: Any) -> str:
        """Return the class of a model, and its number if there are others of that class: `Linear`, `Linear#2`."""
        known = self._prefixes.get(id(root))
        if known is not None and known[0]() is root:
            return known[1]
        self._prefixes = {key: entry for key, entry in self._prefixes.items() if entry[0]() is not None}
        roots = [found for ref in self._roots if (found := ref()) is not None]
        for each in (*roots, root):  # in the order in which they were made
            if id(each) not in self._prefixes:
                self._prefixes[id(each)] = weakref.ref(each), self._free(type(_unwrap(each)).__name__)
        return self._prefixes[id(root)][1]

    def _free(self, kind: str) -> str:
        taken = {name for _, name in self._prefixes.values()}
        numbered = (f"{kind}#{number}" for number in count(2))
        return kind if kind not in taken else next(name for name in numbered if name not in taken)

    def models(self) -> list[str]:
        """Return the class names of the models that are being trained."""
        return [type(_unwrap(root)).__name__ for ref in self._focus if (root := ref()) is not None]

    def models_of(self, parameters: Iterable[Any]) -> list[tuple[str, Any]]:
        """Return the models that hold some of `parameters`, unwrapped, each with what stands before its names."""
        roots = {id(root): root for p in parameters if (root := self._root(p)) is not None}
        several = len(self._focus) > 1 or len(roots) > 1
        return [(self._prefix(root) if several else "", _unwrap(root)) for root in roots.values()]

    def held(self, ids: Iterable[int]) -> list[Any]:
        """Return the parameters and buffers of these identities that are known and still alive."""
        found = (self._names.get(key) for key in ids)
        return [tensor for entry in found if entry is not None and (tensor := entry[0]()) is not None]

    def _knows(self, tensor: Any) -> bool:
        found = self._names.get(id(tensor))
        return found is not None and found[0]() is tensor

    def _root(self, tensor: Any) -> Any:
        found = self._names.get(id(tensor))
        return found[1]() if found is not None and found[0]() is tensor else None

    def tensors(self) -> Iterator[tuple[str, Any]]:
        """Yield every parameter and buffer of the models found so far, with its name."""
        for found in list(self._names.values()):
            if (tensor := found[0]()) is not None:
                yield self._spell(found), tensor

    def custom(self, name: str) -> bool:
        """Return whether the module of this qualified name is of a class that is not PyTorch's own.

        An operation next to a `torch.nn.Linear` is not a part of it; one next to a weight of somebody's own layer is.
        """
        for ref in self._roots:
            root = ref()
            for found, module in root.named_modules() if root is not None else ():
                if plain(found) == name:
                    return not type(module).__module__.startswith("torch.")
        return False

    def holder(self, parameter: Any) -> tuple[Any, Any] | None:
        """Return the model that holds a parameter, unwrapped, and the module in it; None when it is not known."""
        root = self._root(parameter)
        for module in root.modules() if root is not None else ():
            if any(held is parameter for held in module._parameters.values()):
                return _unwrap(root), module
        return None

    def is_module(self, thing: Any) -> bool:
        """Return whether `thing` is a module of PyTorch."""
        return issubclass(type(thing), self._module_type)

    def module_name(self, module: Any) -> str:
        """Return the qualified name of a module; its class name for a root, empty for a stranger."""
        for ref in self._roots:
            root = ref()
            if root is None:
                continue
            if module is root or module is _unwrap(root):
                return type(module).__name__
            for name, child in root.named_modules():
                if child is module:
                    return plain(name)
        return ""


def plain(name: str) -> str:
    """Return a name without what wrappers put into it."""
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix) if prefix == "module." else name.replace(prefix, "")
    return name


def owner(name: str) -> str:
    """Return the module that a parameter belongs to: its name without the last part."""
    return name.rpartition(".")[0] or name


def _shape(tensor: Any) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _unwrap(root: Any) -> Any:
    for attribute in ("_orig_mod", "module"):
        inner = root.__dict__.get("_modules", {}).get(attribute)
        if inner is not None and len(root._modules) == 1:
            return _unwrap(inner)
    if set(root.__dict__.get("_modules", ())) == _FABRIC:
        return _unwrap(root._modules["_original_module"])
    return root


def _tensors(root: Any) -> Iterator[tuple[str, Any]]:
    yield from root.named_parameters(remove_duplicate=False)
    yield from root.named_buffers(remove_duplicate=False)
