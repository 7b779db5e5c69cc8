"""What all hooks of one installation share, and what they do together when something is wrong."""

import gc
import math
from collections.abc import Callable
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.devices.late import LateStep
from otel_mldebug.instrument.training.devices.pinned import Devices
from otel_mldebug.instrument.training.hooks.idle import Idle
from otel_mldebug.instrument.training.hooks.insides import Insides
from otel_mldebug.instrument.training.looks.looker import Looker
from otel_mldebug.instrument.training.steps.needs import aim, needs
from otel_mldebug.instrument.training.steps.optimizers import Known, Register
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.instrument.training.tensors.diagnosis import Diagnosis
from otel_mldebug.instrument.training.tensors.gradients import Gradients
from otel_mldebug.instrument.training.tensors.layers import Layers
from otel_mldebug.rules.detectors.origin import explain_gradient, explain_loss

PATIENCE = 500
"""Backward calls without a step of an optimizer after which one that is there counts for nothing."""
MOST_TOLD = 50
"""Optimizers that the sink is told of: programs that make one for each task make thousands."""


class Watch:
    """One installation into PyTorch.

    Args:
        torch: The module.
        recorder: Gets the steps.
        layers: Names of parameters.
        devices: How to read from GPUs; as PyTorch does by default.

    Attributes:
        constructed: Whether the program has made an optimizer since we were installed.
        stepping: Whether one has stepped.
        looks: Takes looks into single steps.
        insides: Tells copying and the loss from the forward pass.
        on_first_step: Called within the first step of an optimizer, and of a program without one.
    """

    def __init__(self, torch: Any, recorder: StepRecorder, layers: Layers, devices: Devices | None = None) -> None:
        self.torch = torch
        self.recorder = recorder
        self.layers = layers
        self.clock = recorder.clock
        self.gradients = Gradients(torch)
        self.optimizers = Register(recorder)
        self.diagnosis = Diagnosis(torch, layers)
        self.devices = devices or Devices(torch)
        self.constructed = self.stepping = False
        self.looks = Looker(self)
        self.insides = Insides(self)
        self.idle = Idle(self)
        recorder.relay.on_alarm = self.alarm
        self._patience: int | None = None
        self._names: dict[str, None] = {}
        self._told = 0
        self.on_first_step: Callable[[], None] = lambda: None

    def worry(self) -> None:
        """Look closely for a while: something may be wrong."""
        self.optimizers.worry()
        self.looks.wanted = True

    def alarm(self) -> None:
        """Look a little more closely: a number is unusual."""
        self.optimizers.alarm()
        self.looks.wanted = True

    def bad_loss(self, track: Track, loss: Any, value: float) -> None:
        """Find out why a loss is not finite, before backward frees its graph."""
        recorder = self.recorder
        self.worry()
        if recorder.reporter.firing("loss.nonfinite") or not sinks.current().active():
            return
        window = self.optimizers.window_of(loss)
        latest = window[-1].loss if window else None
        states = self.optimizers.optimizers() if latest is not None and math.isfinite(latest) else ()
        origin = self.diagnosis.loss(loss, value, step=recorder.index, batches=track.held, states=states)
        recorder.report(track, explain_loss(origin, window), layer=origin.layer)

    def bad_gradients(self, track: Track, known: Known, bad: list[tuple[Any, bool]], value: float) -> None:
        """Find out why gradients are not finite, before an optimizer uses them.

        Args:
            track: Of the calling thread.
            known: The optimizer.
            bad: Parameters in forward order, each with whether its gradient is not finite.
            value: The norm of all.
        """
        recorder = self.recorder
        self.worry()
        if recorder.reporter.firing("gradient.nonfinite") or not sinks.current().active():
            return
        origin = self.diagnosis.gradients(bad, value, step=recorder.index, batches=track.held)
        recorder.report(track, explain_gradient(origin, known.cell.window), layer=origin.layer)

    def late(self, track: Track) -> LateStep | None:
        """Send for the numbers of the step that are still on a GPU; None when there are none, or no way to."""
        parameters, norms = track.late_norms or ([], [])
        losses = track.late
        gpu = track.gpu.step_ends() if track.gpu is not None else None
        if track.gpu is None:
            track.gpu = self.devices.timer()
        copy = self.devices.send([*losses, *norms])
        if copy is None:
            return None
        return LateStep(
            copy,
            len(losses),
            parameters=parameters,
            batches=track.held,
            diagnosis=self.diagnosis,
            worry=self.worry,
            gpu=gpu,
        )

    def met(self, optimizer: Any) -> Known:
        """Start to know an optimizer that steps for the first time."""
        self.stepping = True
        known = self.optimizers.meet(optimizer)
        with _guard.guard("know what a model needs"):
            known.cell.needs = needs(self.torch, optimizer)
        with _guard.guard("know what a schedule aims for"):
            known.cell.window.aim = aim(optimizer)
        self.tell(optimizer)
        with _guard.guard("name parameters"):
            self.layers.optimized(optimizer, known.cell.name)
        return known

    def alone(self) -> bool:
        """Return whether the program trains without any optimizer of PyTorch, to be asked after each backward call.

        If there is an optimizer and it never steps, it counts for nothing after `PATIENCE` calls.
        """
        if self.stepping:
            return False
        if self._patience is None:
            kind = self.torch.optim.Optimizer
            there = self.constructed or any(issubclass(type(thing), kind) for thing in gc.get_objects())
            self._patience = PATIENCE if there else 0
        self._patience -= self._patience > 0
        return self._patience == 0

    def tell(self, optimizer: Any) -> None:
        """Tell the sink what is watched: when an optimizer steps for the first time, and when there is none."""
        with _guard.guard("note where steps are made"):
            self.on_first_step()
        self._told += 1
        if self._told > (MOST_TOLD if optimizer is not None else 1):
            return
        with _guard.guard("say what is watched"):
            self._names.update(dict.fromkeys(self.optimizers.names()))
            facts: dict[str, Any] = {"torch": str(self.torch.__version__), "optimizers": list(self._names)}
            if optimizer is not None:
                groups = [group for one in self.optimizers.optimizers() for group in one.param_groups]
                parameters = {id(p): p for group in groups for p in group["params"]}
                self.layers.focus(parameters.values())
                facts["device"] = ", ".join(sorted({str(p.device) for p in parameters.values()}))
                facts["parameters"] = sum(p.numel() for p in parameters.values())
                facts["models"] = self.layers.models()
            sinks.current().watched(**facts)
