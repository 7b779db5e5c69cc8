"""`watch(model)`: look into the forward passes of one model, for as long as it is asked for."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from otel_mldebug._guard import guard
from otel_mldebug.errors import UsageError
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training import progress
from otel_mldebug.instrument.training.debugging.activations import ActivationReport
from otel_mldebug.instrument.training.debugging.hooks import Hook, compiled
from otel_mldebug.instrument.training.debugging.inference import Inference, InferenceReport
from otel_mldebug.instrument.training.debugging.passes import Pass
from otel_mldebug.instrument.training.debugging.tensors import each, usable
from otel_mldebug.rules.contracts import Contract
from otel_mldebug.rules.finding import Finding

EVERY = 50
"""Forward passes from one that is looked into to the next, by default. The first one always is."""
MOST_TOLD = 100
"""Different findings of one watch; beyond, the model and its contracts have nothing to do with each other."""


def watch(
    model: Any,
    *,
    input: Contract | None = None,  # noqa: A002
    output: Contract | None = None,
    expected_shape: Sequence[int | None] | None = None,
    layers: Mapping[str, Contract] | None = None,
    every: int = EVERY,
    latency_limit_s: float | None = None,
) -> "ModelWatch":
    """Look into the forward passes of a model until `remove()`, or for the length of a block.

    One pass in `every` is looked into: contracts, activations, where values first stop being finite. That reads from
    the model's device and so waits for it. Every call outside of training is timed.

    Args:
        model: A module of PyTorch, before `torch.compile`. What is compiled later is not seen from inside.
        input: What goes into the model has to be like: its first tensor; all others have to be finite, too.
        output: The same for what comes out of it.
        expected_shape: Of the output, short for `output=Contract(shape=…)`; None for any size: `(None, 10)`.
        layers: What comes out of layers, by qualified name.
        every: Forward passes from one look to the next, 1 or more.
        latency_limit_s: Longest time that a call outside of training may take, seconds.

    Raises:
        UsageError: it is no module, is compiled or scripted already, has no layer of that name, or `every` is below 1.
    """
    import torch

    if not isinstance(model, torch.nn.Module):
        raise UsageError(f"watch() was given a {type(model).__qualname__}. Give it a torch.nn.Module.")
    if compiled(model):
        raise UsageError(
            "watch() was given a model that torch.compile has changed: hooks added now would make it compile again at "
            "every step. Watch it first and compile it then, or watch the model that was compiled in eager mode."
        )
    if isinstance(model, torch.jit.ScriptModule):
        raise UsageError("watch() was given a ScriptModule, which takes no hooks. Watch the module that was scripted.")
    if every < 1:
        raise UsageError(f"watch(every={every}): give 1 or more; 1 looks into every forward pass.")
    known = dict(model.named_modules())
    if unknown := sorted(set(layers or {}) - set(known)):
        raise UsageError(
            f"watch(layers=…): there is no layer {unknown[0]!r}. There are: {', '.join(list(known)[1:21])}."
        )
    root = type(model).__name__
    outputs = dict(layers or {})
    if output is not None or expected_shape is not None:
        outputs[root] = output or Contract(shape=expected_shape)
    inputs = {} if input is None else {root: input}
    return ModelWatch(torch, model, inputs, outputs, every=every, inference=Inference(root, latency_limit_s))


class ModelWatch:
    """One watched model. The hooks are gone after `remove`, and after the block if it is used as one.

    Attributes:
        found: Findings so far, the same kind in the same layer once, each with the name of its layer.
    """

    def __init__(
        self,
        torch: Any,
        model: Any,
        inputs: Mapping[str, Contract],
        outputs: Mapping[str, Contract],
        *,
        every: int,
        inference: Inference,
    ) -> None:
        self._torch, self._every, self._inference = torch, every, inference
        self._inputs, self._outputs = inputs, outputs
        self._root = type(model).__name__
        self._calls = 0
        self._told: set[tuple[str, str]] = set()
        self._local = threading.local()
        self._latest = ActivationReport()
        self.found: list[tuple[str, Finding]] = []
        self._handles: list[Any] = []
        for name, module in model.named_modules():
            self._hook(module, name or self._root, root=not name)

    def _hook(self, module: Any, name: str, *, root: bool) -> None:
        kind = type(module).__name__
        if isinstance(module, self._torch.jit.ScriptModule):
            return  # takes no hooks: it is seen from outside

        def before(_: Any, args: Any, kwargs: Any) -> None:
            if root:
                self._begin(module)
            if (now := getattr(self._local, "now", None)) is not None:
                now.entering(name, (*args, kwargs) if kwargs else args)

        def after(_: Any, args: Any, kwargs: Any, output: Any) -> None:
            if (now := getattr(self._local, "now", None)) is not None:
                now.leaving(name, kind, output)
            if root:
                self._end(output)

        with guard(f"watch the layer {name}"):
            doing = f"look into the forward pass of {self._root}"
            first = module.register_forward_pre_hook(Hook(self._torch, before, doing), with_kwargs=True)
            self._handles.append(first)
            self._handles.append(module.register_forward_hook(Hook(self._torch, after, doing), with_kwargs=True))

    # A forward pass

    def _begin(self, model: Any) -> None:
        state = self._local
        if getattr(state, "began_s", None) is not None:
            self._inference.failed()  # the call before never came to its end
        state.evaluating = not model.training
        serving = state.evaluating or not self._torch.is_grad_enabled()
        state.began_s = self._inference.began() if serving else None
        looks = self._calls % self._every == 0 and usable(self._torch) and len(self._told) < MOST_TOLD
        self._calls += 1
        state.now = Pass(self._torch, self._root, self._inputs, self._outputs) if looks else None

    def _end(self, output: Any) -> None:
        state = self._local
        now, began_s = state.now, state.began_s
        state.now = state.began_s = None
        if began_s is not None and (slow := self._inference.ended(began_s)) is not None:
            self._tell("", slow)
        if now is not None:
            self._latest = ActivationReport(tuple(now.rows))
            for layer, finding in now.found:
                self._tell(layer, finding)
        if state.evaluating:
            for _, tensor in each(self._torch, output, "output"):
                if (tracked := self._inference.output(tensor)) is not None:
                    self._tell("", tracked)
                break

    def _tell(self, layer: str, finding: Finding) -> None:
        if (finding.rule, layer) in self._told:
            return
        self._told.add((finding.rule, layer))
        self.found.append((layer, finding))
        step = progress.context().get("step")
        sinks.current().finding(finding, layer=layer, step=step if self._local.began_s is None else None)

    # What is known

    def activations(self) -> ActivationReport:
        """Return what the layers put out in the latest forward pass that was looked into."""
        return self._latest

    def inference(self) -> InferenceReport:
        """Return how the calls outside of training went: in evaluation mode, or without gradients."""
        return self._inference.report(open_calls=getattr(self._local, "began_s", None) is not None)

    def remove(self) -> None:
        """Take the hooks out; a second call does nothing."""
        handles, self._handles = self._handles, []
        for handle in handles:
            handle.remove()

    def __enter__(self) -> "ModelWatch":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
