"""What usually goes wrong in an operation whose output is not finite, by a part of the operation's name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """Why an operation gives or passes on non-finite values.

    Attributes:
        operations: Beginnings of the operation's name as autograd has it, in lower case.
        cause: One sentence.
        solution: What to do first.
    """

    operations: tuple[str, ...]
    cause: str
    solution: str


CULPRITS: tuple[Culprit, ...] = (
    Culprit(
        operations=("logsumexp",),
        cause="All values of a row are minus infinite, or one of them is infinite.",
        solution="Bound the logits, and leave at least one place of each row unmasked.",
    ),
    Culprit(
        operations=("logsoftmax", "softmax", "scaleddotproduct", "efficientattention", "flashattention"),
        cause="A row is masked out completely (all minus infinite), or its logits overflowed.",
        solution="Leave at least one place of each row unmasked, use a large negative number instead of -inf, and "
        "bound the logits.",
    ),
    Culprit(
        operations=("log1p", "log2", "log10", "log"),
        cause="The logarithm of zero is minus infinite, and that of a negative number is NaN.",
        solution="Clamp the argument from below, such as torch.log(x.clamp_min(1e-8)), or work with logits and a fused "
        "loss (cross_entropy, binary_cross_entropy_with_logits).",
    ),
    Culprit(
        operations=("sqrt", "rsqrt"),
        cause="The root of a negative number is NaN, and the reciprocal of the root of zero is infinite.",
        solution="Clamp the argument and add an epsilon inside: torch.sqrt(x.clamp_min(0) + 1e-8).",
    ),
    Culprit(
        operations=("div", "reciprocal"),
        cause="The denominator is zero, or so small that the quotient overflows.",
        solution="Add an epsilon to the denominator, or clamp it away from zero.",
    ),
    Culprit(
        operations=("expm1", "exp2", "exp", "cosh", "sinh"),
        cause="The exponential overflows: above 88.7 in float32, above 11.1 in float16.",
        solution="Clamp the argument, subtract the maximum first, or use the log-domain form of the expression.",
    ),
    Culprit(
        operations=("pow",),
        cause="A negative base with a fractional exponent is NaN; zero with a negative exponent is infinite.",
        solution="Clamp the base to be positive, with an epsilon.",
    ),
    Culprit(
        operations=("acos", "asin", "atanh", "acosh"),
        cause="The argument is outside of the function's domain.",
        solution="Clamp the argument to the open interval, such as x.clamp(-1 + 1e-6, 1 - 1e-6).",
    ),
    Culprit(
        operations=("linalg", "cholesky", "inverse", "svd", "eigh", "logdet", "slogdet"),
        cause="The matrix is singular or badly conditioned.",
        solution="Add a small multiple of the identity to the matrix, or compute in float64.",
    ),
    Culprit(
        operations=(
            "nativelayernorm",
            "nativebatchnorm",
            "nativegroupnorm",
            "batchnorm",
            "cudnnbatchnorm",
            "std",
            "var",
        ),
        cause="The variance is zero, or of a single value, or the input overflowed.",
        solution="Make sure that more than one value is normalised and that eps is not zero.",
    ),
    Culprit(
        operations=("binarycrossentropy",),
        cause="A probability is outside of 0 to 1, or a target is not finite.",
        solution="Use binary_cross_entropy_with_logits on the raw outputs.",
    ),
    Culprit(
        operations=("nllloss", "crossentropy"),
        cause="No target is left to average over (all are ignore_index), or a class that is needed has a "
        "log-probability of minus infinity.",
        solution="Skip batches without a valid target, or use reduction='sum' and divide by max(count, 1).",
    ),
    Culprit(
        operations=(
            "addmm",
            "mm",
            "bmm",
            "baddbmm",
            "addmv",
            "mv",
            "dot",
            "convolution",
            "linear",
            "matmul",
            "lstm",
            "gru",
        ),
        cause="The product of weights and activations overflowed: they had grown beyond what the format holds.",
        solution="Lower the learning rate and clip gradients; with float16, use bfloat16 or autocast and GradScaler.",
    ),
    Culprit(
        operations=("compiledfunction",),
        cause="An operation of a compiled graph overflowed or was not defined for the values it got; the graph does "
        "not tell which.",
        solution="Run the same step without torch.compile, or with its backend 'eager', to see which one it is.",
    ),
    Culprit(
        operations=("mean",),
        cause="The mean of nothing is NaN: a selection was empty.",
        solution="Skip the term when its selection is empty, or divide the sum by max(count, 1).",
    ),
    Culprit(
        operations=("tocopy",),
        cause="The value does not fit the narrower number format it was cast to: float16 ends at 65504.",
        solution="Cast to bfloat16 instead, or scale the value down before the cast.",
    ),
)

OTHER = Culprit(
    operations=(),
    cause="The operation overflowed or is not defined for the values it got.",
    solution="Print the range of its inputs at this step, and clamp or rescale them.",
)


def culprit(operation: str) -> Culprit:
    """Return what is known about an operation.

    Args:
        operation: Name as autograd has it, such as `LogSoftmaxBackward0`.
    """
    name = operation.lower().rpartition("::")[2]
    for entry in CULPRITS:
        if name.startswith(entry.operations):
            return entry
    return OTHER
