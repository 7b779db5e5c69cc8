"""The loss functions of `torch.nn.functional`, which tell of evaluation losses; dropout and batch normalisation.

They are wrapped until the program compiles something: then they are put back, so that nothing of ours is traced.
"""

import sys
import weakref
from collections.abc import Callable
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument.training.hooks.evaluation import Evaluations
from otel_mldebug.instrument.training.hooks.patches import Patch
from otel_mldebug.instrument.training.hooks.watch import Watch

NAMES = (
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
    "gaussian_nll_loss",
    "poisson_nll_loss",
    "ctc_loss",
)
"""Those whose losses people compare between training and evaluation. The modules of `torch.nn` call them, too."""


class LossFunctions:
    """Wrappers for the loss functions.

    Args:
        watch: What all hooks share.
        evaluations: Is told of losses in evaluation.
    """

    def __init__(self, watch: Watch, evaluations: Evaluations) -> None:
        self._watch = watch
        self._evaluations = evaluations
        self._on = True
        functional, modules = watch.torch.nn.functional, watch.torch.nn.modules
        layers = modules.dropout.Dropout, modules.batchnorm._BatchNorm, modules.batchnorm.SyncBatchNorm
        self._layers = {layer.forward.__code__ for layer in layers}
        self._patches = [Patch(functional, name, self._wrapping(name)) for name in NAMES if hasattr(functional, name)]
        self._patches.append(Patch(functional, "dropout", self._dropout))
        self._patches.append(Patch(functional, "batch_norm", self._batch_norm))

    def remove(self) -> None:
        """Put the functions back; those that the program has kept for itself do nothing but pass calls on."""
        self._on = False
        for patch in self._patches:
            patch.undo()
        self._patches.clear()

    def _wrapping(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        enabled, layers, evaluations = self._watch.torch.is_grad_enabled, self._watch.layers, self._evaluations
        looks, computed = self._watch.looks, self._computed

        def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
            def loss(*args: Any, **kwargs: Any) -> Any:
                value = original(*args, **kwargs)
                only = layers.only
                if (
                    only is None
                    or (model := only()) is None
                    or not model.training
                    or not enabled()
                    or looks.wanted
                    or evaluations.maybe
                ):
                    computed(name, args, kwargs, value)
                return value

            loss.__prepare_scriptable__ = lambda: original  # type: ignore[attr-defined]  # torch.jit.script asks for it
            return loss

        return wrap

    def _computed(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any) -> None:
        """Note a loss that may be none of plain training, which the models that are being trained have to say."""
        if not self._on:
            return
        try:
            enabled, layers, tracks = (
                self._watch.torch.is_grad_enabled(),
                self._watch.layers,
                self._watch.recorder.tracks,
            )
            if self._watch.looks.wanted and getattr(value, "grad_fn", None) is not None:
                tracks.track.computed.append(weakref.ref(value))
            if not enabled or layers.evaluating():
                target = args[1] if len(args) > 1 else kwargs.get("target")
                sums = kwargs.get("reduction") == "sum"
                terms = _terms(args[0] if args else kwargs.get("input"), target) if sums else 1
                self._evaluations.loss(name, target, value, terms)
            elif self._evaluations.maybe:
                self._evaluations.end(tracks.track)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch a loss function", exc)

    def _dropout(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap the function: who calls it in evaluation mode with `training` left at its default has forgotten that.

        Layers of `torch.nn` say which mode they are in; one that was put back into training mode is meant to be (Monte
        Carlo dropout).
        """
        enabled, forced = self._watch.torch.is_grad_enabled, self._forced

        def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:  # noqa: A002
            value = original(input, p, training, inplace)
            if training and not enabled() and p > 0:
                forced("dropout")
            return value

        dropout.__prepare_scriptable__ = lambda: original  # type: ignore[attr-defined]  # torch.jit.script asks for it
        return dropout

    def _batch_norm(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap the function in the same way. Without running statistics it takes those of the batch on purpose."""
        enabled, forced = self._watch.torch.is_grad_enabled, self._forced

        def batch_norm(
            input: Any,  # noqa: A002
            running_mean: Any,
            running_var: Any,
            weight: Any = None,
            bias: Any = None,
            training: bool = False,
            momentum: float = 0.1,
            eps: float = 1e-5,
        ) -> Any:
            value = original(input, running_mean, running_var, weight, bias, training, momentum, eps)
            if training and not enabled() and running_mean is not None:
                forced("batch_norm")
            return value

        batch_norm.__prepare_scriptable__ = lambda: original  # type: ignore[attr-defined]  # as for dropout
        return batch_norm

    def _forced(self, function: str) -> None:
        """Note that a function works as in training, if the model is in evaluation mode and no layer has called it."""
        try:
            if self._on and self._watch.layers.evaluating() and sys._getframe(2).f_code not in self._layers:
                self._evaluations.forced(function)
        except Exception as exc:  # noqa: BLE001  (the function has done its work: ours must not undo that)
            _guard.fault(f"watch {function}", exc)


def _terms(given: Any, target: Any) -> int:
    """Return how many terms a sum has, so that evaluations that sum are comparable with training that takes means.

    Of classes there is one for each label, of values one for each of them.
    """
    counted = target if hasattr(target, "is_floating_point") and not target.is_floating_point() else given
    return max(1, int(counted.numel())) if hasattr(counted, "numel") else 1
