"""One forward pass of a watched model: which contracts are broken, and where values first stop being finite."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from otel_mldebug.instrument.training.debugging.activations import Activation, activation
from otel_mldebug.instrument.training.debugging.tensors import each, seen
from otel_mldebug.rules.contracts import Contract, judge
from otel_mldebug.rules.finding import Finding

_FINITE = Contract()


class Pass:
    """What is seen of one forward pass. Contracts of the model itself have the name of its class.

    Args:
        torch: The module.
        root: Name of the model itself.
        inputs: What goes into layers has to be like this, by name of the layer.
        outputs: The same for what comes out of them.

    Attributes:
        rows: What the layers put out, in the order in which they ended.
        found: Broken contracts, each with the name of its layer.
    """

    def __init__(self, torch: Any, root: str, inputs: Mapping[str, Contract], outputs: Mapping[str, Contract]) -> None:
        self._torch, self._root, self._inputs, self._outputs = torch, root, inputs, outputs
        self._bad = False
        self._latest = ""
        self.rows: list[Activation] = []
        self.found: list[tuple[str, Finding]] = []

    def entering(self, layer: str, arguments: Any) -> None:
        """Look at what goes into a layer. Values that were not finite before are not its fault, and are told once."""
        if layer in self._inputs or not self._bad:
            for number, (place, tensor) in enumerate(each(self._torch, arguments, "input")):
                self._look(layer, self._inputs.get(layer, _FINITE), number, place, tensor)

    def leaving(self, layer: str, kind: str, output: Any) -> None:
        """Look at what comes out of a layer."""
        for number, (place, tensor) in enumerate(each(self._torch, output, "output")):
            if not number:
                self.rows.append(activation(self._torch, layer, kind, tensor))
            self._look(layer, self._outputs.get(layer, _FINITE), number, place, tensor)
        self._latest = layer

    def _look(self, layer: str, contract: Contract, number: int, place: str, tensor: Any) -> None:
        """Compare one tensor with its contract; of several, only the first has to have its shape, type and range."""
        like = seen(self._torch, tensor, place)
        known, self._bad = self._bad, self._bad or bool(like.nan or like.infinite)
        contract = contract if not number else Contract(finite=contract.finite)
        if known:
            contract = replace(contract, finite=False)
        if (finding := judge(contract, like, layer=layer, root=layer == self._root)) is not None:
            more: dict[str, Any] = {"after": self._latest} if self._latest and (like.nan or like.infinite) else {}
            self.found.append((layer, replace(finding, evidence={**finding.evidence, **more})))
