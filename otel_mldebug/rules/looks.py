"""A look into a training step as plain numbers: every parameter, every operation, what went in. Rules judge these."""

from dataclasses import dataclass, field

from otel_mldebug.rules.facts import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What the elements of one tensor are like. Large tensors are sampled: then all but `size` are of the sample.

    Attributes:
        size: Elements of the tensor, 0 or more.
        norm: Euclidean norm of the finite elements, extrapolated to the whole tensor if it was sampled.
        mean: Of the finite elements.
        std: Their standard deviation (of the population, so 0 for a single one).
        low: Smallest finite element.
        high: Largest finite element.
        zero: Share of elements that are exactly 0, 0 to 1.
        nonfinite: Share of elements that are NaN or infinite, 0 to 1.
        tiny: Share of elements that are not 0 and too small to be kept in full precision by the tensor's own type
            (subnormal numbers), 0 to 1.
    """

    size: int
    norm: float
    mean: float
    std: float
    low: float
    high: float
    zero: float = 0.0
    nonfinite: float = 0.0
    tiny: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A tensor that went into the step from outside: a part of a batch, an input, a target.

    Attributes:
        place: Where it is: `batch[0]`, `batch['image']`; for one found in the graph only, the operation that uses it.
        role: `input` if a layer takes it, `target` if the loss does, empty when that is not known.
        shape: Sizes of its dimensions.
        dtype: `float32`, `int64`, …
        stats: Of its elements; None for those that are not numbers or cannot be read.
        digest: Number that is the same for equal contents, and almost surely different for others.
        features: Standard deviations of its features (the last dimension, or channels of 4-d images) over the batch,
            smallest and largest; empty where there are not at least two samples.
        repeated: Share of samples that are the same as an earlier one in the batch, 0 to 1.
        guess: Loss of always giving the best constant for this batch's targets: of numbers their variance over the
            samples, of classes and labels of 0 and 1 their entropy (natural logarithm, about the same for all data, by
            the correction of Miller and Madow); None where that was not measured, or few samples say little.
    """

    place: str
    role: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    stats: Stats | None = None
    digest: int = 0
    features: tuple[float, ...] = ()
    repeated: float = 0.0
    guess: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the forward pass, as the autograd graph of the loss has it.

    Attributes:
        kind: Autograd's name without `Backward0`: `Addmm`, `Relu`, `Softmax`, `LogSoftmax`, `NllLoss`, `MseLoss`, …
        layer: Module whose parameters it uses, else the nearest one that it can be a part of; empty when unknown.
        inputs: Places, in the look's `operations`, of those whose results it takes.
        shape: Of its result, where known.
        output: Stats of its result, where that was saved.
        operand: Stats of what it took, where that was saved.
        operands: Shapes of the tensors that it took, as far as they were saved.
        settings: Plain values saved with it: `p`, `training`, `reduction`, `dim`, …
        units: Units (channels of convolutions, else elements of the last dimension) of its result.
        dead: Share of units that are 0 for every sample of the batch, 0 to 1; None where that says nothing.
        saturated: Share of elements of a sigmoid, tanh or softmax at the end of their range, 0 to 1; None elsewhere.
    """

    kind: str
    layer: str = ""
    inputs: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    output: Stats | None = None
    operand: Stats | None = None
    operands: tuple[tuple[int, ...], ...] = ()
    settings: dict[str, Value] = field(default_factory=dict)
    units: int = 0
    dead: float | None = None
    saturated: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a model that is being trained, or one that an optimizer of it holds.

    Attributes:
        name: Qualified: `encoder.fc1.weight`; `#3` for one that belongs to no module.
        layer: The module that it belongs to; empty for those that belong to none.
        module: Class of that module: `Linear`.
        shape: Sizes of its dimensions.
        dtype: `float32`, …
        trainable: Whether it requires gradients.
        optimized: Whether some optimizer that has stepped, or the one that is about to, holds it.
        reached: Whether the loss depends on it; None when the graph was not seen.
        weight: Stats of its elements, before the step of the optimizer.
        gradient: Stats of its gradient, which the optimizer is about to use; None when it has none.
        update_ratio: Norm of the update over the norm of the weight, of this step; None when that was not measured.
        changed: Whether any of the elements that are compared has changed since the look before; None in the first one.
        decay: Weight decay of its group, 0 or more.
        learning_rate: Of its group; None when no optimizer holds it.
        momentum: Largest part that earlier gradients have in its update: `momentum` or the first of `betas`.
        epsilon: What the optimizer adds to the size of gradients before it divides by it; 0 where it does not.
        unmoved: Share of its elements with a gradient that this step has left exactly as they were, 0 to 1; None where
            that was not measured, as for types of 32 bits.
        aside: Whether a loss depends on it that was computed and is no part of what backward was called on.
        cut: What the text of the forward passes does to all that its layer makes, so that no gradient comes back, and
            where: `detach() in Net.forward (net.py:15)`. Only looked for where the loss does not depend on it.
        contested: Whether it is one of those that are all that another optimizer has, while this one has more.
    """

    name: str
    layer: str = ""
    module: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    trainable: bool = True
    optimized: bool = True
    reached: bool | None = None
    weight: Stats | None = None
    gradient: Stats | None = None
    update_ratio: float | None = None
    changed: bool | None = None
    decay: float = 0.0
    learning_rate: float | None = None
    momentum: float = 0.0
    epsilon: float = 0.0
    unmoved: float | None = None
    contested: bool = False
    aside: bool = False
    cut: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One module that behaves differently in training and evaluation, or that holds the model together.

    Attributes:
        name: Qualified; the class for a root.
        kind: Class: `Dropout`, `BatchNorm2d`, `Sequential`.
        training: Its mode.
        root: Whether it is a whole model.
        settings: Plain values: `p`, `momentum`, `track_running_stats`.
    """

    name: str
    kind: str
    training: bool = True
    root: bool = False
    settings: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look into one training step of one optimizer. What was not seen is empty or None.

    Attributes:
        step: Number of the step, as in its `StepRecord`.
        time_ns: Wall time, nanoseconds since the epoch.
        optimizer: Name of the optimizer, as in its `StepRecord`.
        optimizer_kind: Class: `AdamW`.
        began: Step of the first look, less what that very optimizer had stepped until then: others may have stepped
            before. That of the first look itself, where another one of its name has gone before.
        loss: Objective of the (latest) backward call of the step.
        parts: What went in.
        operations: Of the latest backward call's graph, in forward order, the loss last.
        parameters: In forward order.
        layers: Those whose mode matters, and the roots.
        loose: Plain tensors that modules hold and that get gradients, though no optimizer holds them: name, shape, and
            a sum that tells whether they have changed.
        stale: Whether gradients of before the latest step were still there when this step's first backward call
            began: they are never set to zero. None when that was not looked at.
        autocast: Type that autocast computes in, empty when it is off.
        scale: Factor of the gradient scaler; None without one.
        backward_calls: Backward calls in the step so far.
        passing: Number of the pass over a data loader that the batch is from, among all of the process; 0 where the
            step was not fed with one batch that was fetched for it.
        place: Which batch of that pass it is, from 1.
        batches: How many batches such a pass has; 0 when that is not known.
        alike: What gives all workers of that loader the same random numbers, in words; empty if nothing is known to.
        apart: Whether the step was fed by two loaders over as many samples each, in orders that have nothing to do with
            each other.
        cost_s: What the look took, seconds.
        complete: Whether all of it was looked at; False when it was cut short because of its cost.
    """

    step: int
    time_ns: int
    optimizer: str = ""
    optimizer_kind: str = ""
    began: int = 0
    loss: float | None = None
    parts: tuple[Part, ...] = ()
    operations: tuple[Operation, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    layers: tuple[Layer, ...] = ()
    loose: tuple[tuple[str, tuple[int, ...], float], ...] = ()
    stale: bool | None = None
    autocast: str = ""
    scale: float | None = None
    backward_calls: int = 1
    passing: int = 0
    place: int = 0
    batches: int = 0
    alike: str = ""
    apart: bool = False
    cost_s: float = 0.0
    complete: bool = True
