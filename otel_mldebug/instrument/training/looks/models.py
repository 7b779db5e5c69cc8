"""The models that one look is about, as an index: names of parameters and modes of modules."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from otel_mldebug.instrument.training.looks.loose import Loose
from otel_mldebug.instrument.training.looks.switches import switches_of
from otel_mldebug.instrument.training.tensors.layers import Layers, plain
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.looks import Layer

MOST_PARAMETERS = 4096
"""Parameters of one look."""
_SETTINGS = ("p", "dropout", "eps", "momentum", "track_running_stats", "affine", "num_features")


@dataclass(slots=True)
class Place:
    """Where a parameter is.

    Attributes:
        name: Qualified.
        layer: The module that it belongs to.
        module: Its class.
        parameter: The tensor; dropped when the look has ended.
    """

    name: str
    layer: str
    module: str
    parameter: Any


class Models:
    """An index of the models that hold some parameters. It lives as long as one look: models change.

    Args:
        torch: The module.
        layers: Knows the models.
        parameters: Those that are being trained.

    Attributes:
        places: By identity of the parameter, in the order of registration, tied ones once.
        label: Names parameters that belong to no model.
        custom: Names of modules whose class is not PyTorch's own.
        layers: Modules whose mode matters, and the models themselves.
        loose: Tensors that modules hold although they are none of their parameters.
    """

    def __init__(self, torch: Any, layers: Layers, parameters: Iterable[Any]) -> None:
        modules = torch.nn.modules
        self._moody = (
            modules.dropout._DropoutNd, modules.batchnorm._NormBase, modules.normalization.LayerNorm,
            modules.normalization.GroupNorm, modules.rnn.RNNBase,
        )  # fmt: skip
        self.label = layers.label
        self.places: dict[int, Place] = {}
        self.custom: set[str] = set()
        self.layers: list[Layer] = []
        self.complete = True
        self.loose = Loose(torch)
        for prefix, root in layers.models_of(parameters):
            self._enter(root, prefix)

    def _enter(self, root: Any, prefix: str) -> None:
        kinds: dict[type, tuple[bool, bool]] = {}
        for path, module in root.named_modules():
            kind = type(module)
            known = kinds.get(kind)
            if known is None:
                known = kinds[kind] = not kind.__module__.startswith("torch."), issubclass(kind, self._moody)
            custom, moody = known
            name = plain(path + ".").rstrip(".")
            whole = not name
            layer = f"{prefix}.{name}".strip(".") if name else prefix or kind.__name__
            before = f"{prefix}.{name}".strip(".") + "." if prefix or name else ""
            if custom:
                self.custom.add(layer)
                self.loose.enter(module, before)
            switches = switches_of(module)
            if whole or moody or switches:
                self.layers.append(
                    Layer(
                        name=layer,
                        kind=kind.__name__,
                        training=bool(module.training),
                        root=whole,
                        settings={**(settings_of(module) if moody else {}), **switches},
                    )
                )
            for key, parameter in module._parameters.items():
                if parameter is None or id(parameter) in self.places:
                    continue
                if len(self.places) >= MOST_PARAMETERS:
                    self.complete = False
                    return
                self.places[id(parameter)] = Place(before + key, layer, kind.__name__, parameter)


def settings_of(module: Any) -> dict[str, Value]:
    """Return the plain values of a module that say how it behaves."""
    found: dict[str, Value] = {}
    for name in _SETTINGS:
        value = module.__dict__.get(name)
        if isinstance(value, (bool, int, float)):
            found[name] = value
    return found
