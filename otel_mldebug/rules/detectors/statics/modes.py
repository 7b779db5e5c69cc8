"""Models that are trained in the mode for evaluation, and batches too small for batch normalisation."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.statics.telling import lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Layer, Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

TRAINED_SHARE = 0.5
"""Share of the elements of all parameters that have to be in training: who freezes most of a model may well
keep it in evaluation mode on purpose. Source: https://pytorch.org/docs/stable/notes/autograd.html#evaluation-mode-nn-module-eval"""
NEARLY_ALL = 0.9
"""The same where a model as a whole is in training mode, but nothing in it that this changes is, nor is dropout."""


def eval_mode(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when two looks in a row see models in evaluation mode in training, with layers that this changes.

    Models whose normalisation alone is in evaluation mode are fine-tuned on purpose, and so are those with most
    parameters frozen.
    """
    if (found := lasting(looks, _asleep, least=2)) is None:
        return None
    first, (root, layers) = found
    what = f"{layers[0].name} ({layers[0].kind})" + (f" and {len(layers) - 1} more do" if len(layers) > 1 else " does")
    again = any(_asleep(look) is None for look in looks)
    return tell(
        "training.eval_mode",
        Severity.WARNING,
        first,
        f"{root.kind} is being trained in evaluation mode since step {first.step}: {what} nothing of what is meant for "
        "training.",
        category=Category.TRAINING,
        cause="model.eval() was called for an evaluation pass, and model.train() was not called after it."
        if again
        else "model.eval() was called before training, or the model was loaded in evaluation mode: from_pretrained "
        "returns models that way.",
        solutions=(
            "Call model.train() at the beginning of each epoch, after evaluation.",
            "To keep only normalisation in evaluation mode, call model.train() and then .eval() on those layers.",
        ),
        prevention="Call model.train() and model.eval() right where training and evaluation begin, not once.",
        confidence=0.9,
        layer=layers[0].name,
        model=root.kind,
        layers=tuple(layer.name for layer in layers[:8]),
    )


def batch_of_one(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when two looks in a row see batch normalisation in training over a single sample.

    A classifier of whole samples is worth a warning: what tells one sample from another is taken out of each. Networks
    from image to image are trained so on purpose (Isola et al., 2017, "Image-to-Image Translation").
    """

    def judge(look: Look) -> str | None:
        norms = {
            layer.name for layer in look.layers if "BatchNorm" in layer.kind
        }  # not InstanceNorm, which looks alike
        for operation in look.operations:
            shape = operation.shape
            if operation.layer in norms and "BatchNorm" in operation.kind and len(shape) > 2 and shape[0] == 1:
                return operation.layer if operation.settings.get("training") is True else None
        return None

    if (found := lasting(looks, judge, least=2)) is None:
        return None
    first, layer = found
    return tell(
        "data.batch_of_one",
        Severity.WARNING if _classifies_one(first) else Severity.INFO,
        first,
        f"Batch normalisation{f' {layer}' if layer else ''} sees one sample at a time: it normalises each by itself.",
        category=Category.DATA,
        cause="The batch has one sample. Statistics of one sample differ from the running ones that evaluation uses.",
        solutions=(
            "Use larger batches, or gradient accumulation with a normalisation that does not need them: GroupNorm, "
            "InstanceNorm, LayerNorm.",
            "If this is fine-tuning, keep batch normalisation in evaluation mode.",
        ),
        prevention="Use batch normalisation with at least 16 samples a device.",
        confidence=0.9,
        layer=layer,
    )


def _classifies_one(look: Look) -> bool:
    kinds = ("LogSoftmax", "BinaryCrossEntropyWithLogits")
    return any(o.kind in kinds and len(o.shape) in (1, 2) and o.shape[0] == 1 for o in look.operations[-4:])


def _asleep(look: Look) -> tuple[Layer, list[Layer]] | None:
    """Return a root and the layers that the mode changes, if none of them is in training mode.

    The root may be, where a part that holds them all was put into evaluation mode by itself: normalisation alone is on
    purpose then, dropout is not.
    """
    roots = [layer for layer in look.layers if layer.root and not layer.kind.endswith("Loss")]
    layers = [layer for layer in look.layers if not layer.root and _matters(layer)]
    if not roots or not layers or any(layer.training for layer in layers):
        return None
    inside = any(root.training for root in roots)
    if inside and (len(roots) > 1 or not any("Dropout" in layer.kind for layer in layers)):
        return None
    size = {True: 0, False: 0}
    for parameter in look.parameters:
        elements = 1
        for length in parameter.shape:
            elements *= length
        size[parameter.trainable and parameter.optimized and parameter.reached is not False] += elements
    if size[True] <= (NEARLY_ALL if inside else TRAINED_SHARE) * (size[True] + size[False]):
        return None
    return roots[0], layers


def _matters(layer: Layer) -> bool:
    """Return whether a layer does something else in training."""
    if "BatchNorm" in layer.kind:
        return layer.settings.get("track_running_stats") is not False
    chance = layer.settings.get("p", layer.settings.get("dropout"))
    return isinstance(chance, (int, float)) and chance > 0
