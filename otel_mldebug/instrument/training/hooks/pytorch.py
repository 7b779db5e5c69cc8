"""Put our hooks into PyTorch, and take them out again: `install(torch)` and `uninstall()`.

Nothing here touches a model: module hooks make compiled models recompile. See docs/why/how-steps-are-found.md.
"""

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from otel_mldebug._guard import guard
from otel_mldebug.instrument.training import progress
from otel_mldebug.instrument.training.devices.pinned import Devices
from otel_mldebug.instrument.training.distributed.companion import Companion
from otel_mldebug.instrument.training.hooks.backward import BackwardHooks
from otel_mldebug.instrument.training.hooks.compiler import OnCompile, apart
from otel_mldebug.instrument.training.hooks.evaluation import Evaluations
from otel_mldebug.instrument.training.hooks.functional import FunctionalHooks
from otel_mldebug.instrument.training.hooks.loaders import LoaderHooks
from otel_mldebug.instrument.training.hooks.loading import LoadingHooks
from otel_mldebug.instrument.training.hooks.lossfunctions import LossFunctions
from otel_mldebug.instrument.training.hooks.patches import Hook, Patch
from otel_mldebug.instrument.training.hooks.plateaus import PlateauHooks
from otel_mldebug.instrument.training.hooks.scaling import ScalerHooks
from otel_mldebug.instrument.training.hooks.stepping import StepHooks
from otel_mldebug.instrument.training.hooks.watch import Watch
from otel_mldebug.instrument.training.steps.extras import Extras
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from otel_mldebug.instrument.training.tensors.graph import Hooks
from otel_mldebug.instrument.training.tensors.layers import Layers

_lock = threading.Lock()
_installed: "Installation | None" = None
_layers: Layers | None = None


class Installation:
    """All that is in place in one PyTorch.

    Args:
        torch: The module.
        recorder: Gets the steps.
        layers: Names of parameters; kept over several installations, since models are.
        devices: How to read from GPUs.
    """

    def __init__(self, torch: Any, recorder: StepRecorder, layers: Layers, devices: Devices | None = None) -> None:
        self.recorder = recorder
        self._torch = torch
        self._apart: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None
        self.watch = watch = Watch(torch, recorder, layers, devices)
        self._evaluations = evaluations = Evaluations(watch)
        steps, loaders, scalers = StepHooks(watch), LoaderHooks(watch, evaluations), ScalerHooks(watch)
        self._losses = LossFunctions(watch, evaluations)
        backward = BackwardHooks(watch)
        self._grad = Patch(torch.autograd, "grad", backward.wrap_grad)
        self._functional = FunctionalHooks(watch, backward)
        data = torch.utils.data.dataloader
        scaler = torch.amp.grad_scaler.GradScaler
        self._patches = [
            Patch(torch.autograd, "backward", backward.wrap),
            Patch(torch.optim.Optimizer, "__init__", steps.constructing),
            Patch(data.DataLoader, "__iter__", loaders.iterating),
            Patch(data._BaseDataLoaderIter, "__next__", loaders.fetching),
            Patch(scaler, "scale", scalers.scaling),
            Patch(scaler, "step", scalers.stepping),
            Patch(scaler, "unscale_", scalers.unscaling),
            Patch(torch.optim.lr_scheduler.ReduceLROnPlateau, "step", PlateauHooks(watch).stepping),
            Patch(torch.nn.Module, "load_state_dict", LoadingHooks(watch).loading),
        ]
        if Hooks.needed(torch):
            self._patches.append(Patch(torch.autograd.graph.saved_tensors_hooks, "__enter__", Hooks.entering))
        modules = torch.nn.modules.module
        optimizers = sys.modules["torch.optim.optimizer"]  # torch.optim hides it
        self._handles = [
            modules.register_module_parameter_registration_hook(layers.note),
            modules.register_module_module_registration_hook(layers.note),
        ]
        self._hooks: list[Hook] = []
        self._before_steps(steps.before())
        register, hooks = optimizers.register_optimizer_step_post_hook, optimizers._global_optimizer_post_hooks
        steps.ending = Hook(register, hooks, steps.after())
        self._hooks.append(steps.ending)
        self.companion = Companion(torch, recorder, layers, watch.looks.fed, self._before_steps)
        watch.on_first_step = self.companion.vigil.stepping
        recorder.extras = extras = Extras(torch, watch.insides.take, self.companion.synced)
        self._saves = extras.saves
        self._saves.install()
        self._patches.append(Patch(torch, "save", extras.saves.saving))
        self._patches += self.companion.patches()
        self._compiler = OnCompile(self._hide)
        self._compiler.install()

    def _before_steps(self, hook: Callable[..., None]) -> None:
        """Have `hook` called before each step of an optimizer."""
        optimizers = sys.modules["torch.optim.optimizer"]
        register, hooks = optimizers.register_optimizer_step_pre_hook, optimizers._global_optimizer_pre_hooks
        self._hooks.append(Hook(register, hooks, hook if self._apart is None else self._apart(hook)))

    def _hide(self, dynamo: Any) -> None:
        """Keep our hooks out of what is compiled, before anything is.

        Plain, they would be traced, and the numbers that they count would make every step recompile. That costs a
        little a call, which programs that compile nothing do not have to pay.
        """
        hide = self._apart = apart(self._torch, dynamo)
        self._losses.remove()
        self._grad.undo()
        self._functional.remove()
        self.watch.insides.remove()
        for patch in self._patches:
            patch.through(hide)
        for hook in self._hooks:
            hook.through(hide)

    def remove(self) -> None:
        """Take everything out again."""
        self.companion.end()
        self._compiler.remove()
        self._losses.remove()
        self._grad.undo()
        self._functional.remove()
        self.watch.insides.remove()
        for handle in self._handles:
            handle.remove()
        for hook in self._hooks:
            hook.out()
        self._saves.remove()
        for patch in reversed(self._patches):
            patch.undo()
        self._hooks.clear()
        self._patches.clear()
        with guard("pass on the last steps"):
            self._evaluations.finish()
            self.recorder.finish()
            self.watch.looks.finish()
            self.watch.idle.finish()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    if _installed is not None:
        with guard("start afresh after a fork"):
            _installed.recorder.restart()
            _installed.watch.looks.restart()
            _installed.watch.insides.restart()
            _installed.companion.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def install(torch: Any, *, recorder: StepRecorder | None = None, devices: Devices | None = None) -> None:
    """Watch training from now on; nothing happens if that is so already.

    Args:
        torch: The module.
        recorder: Gets the steps; the one that is in use already, or a new one, by default.
        devices: How to read from GPUs; as PyTorch does by default.
    """
    global _installed, _layers
    with _lock:
        if _installed is not None:
            return
        if _layers is None:
            _layers = Layers(torch)
        _installed = Installation(torch, recorder or progress.recorder() or StepRecorder(), _layers, devices)
        progress.follow(_installed.recorder, _layers)


def uninstall() -> None:
    """Stop watching: PyTorch is as it was before."""
    global _installed
    with _lock:
        if _installed is not None:
            _installed.remove()
            _installed = None
            progress.follow(None, None)


def installation() -> Installation | None:
    """Return what is in place; None when nothing is watched."""
    return _installed
