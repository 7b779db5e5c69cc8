"""What tensors that go into a model and come out of it have to be like, and what to say where they are not. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from otel_mldebug.errors import UsageError
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a tensor has to be like. What is left out is not checked.

    Attributes:
        shape: Sizes of its dimensions; None for one that may have any size: `(None, 10)`.
        dtype: Name of its type, or of several: `float32`, `("float16", "bfloat16")`. PyTorch's own work as well.
        low: Smallest value that an element may have.
        high: Largest value that an element may have.
        finite: Whether NaN and infinity are forbidden. Minus infinity alone is not: masks hold it on purpose.

    Raises:
        UsageError: no tensor could ever keep it.
    """

    shape: Sequence[int | None] | None = None
    dtype: Any = None
    low: float | None = None
    high: float | None = None
    finite: bool = True

    def __post_init__(self) -> None:
        if self.shape is not None and not _is_shape(self.shape):
            raise UsageError(f"shape={self.shape!r}: give a size for each dimension, None for any: (None, 10).")
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise UsageError(f"low={self.low}, high={self.high}: no value lies between them.")

    def dtypes(self) -> tuple[str, ...]:
        """Return the names of the types that are allowed; empty if all are."""
        if self.dtype is None:
            return ()
        given = self.dtype if isinstance(self.dtype, (tuple, list, set, frozenset)) else (self.dtype,)
        return tuple(str(one).rpartition(".")[2] for one in given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a tensor was like.

    Attributes:
        place: Where it was: `output`, `input[1]`, `output['logits']`.
        shape: Sizes of its dimensions.
        dtype: Name of its type.
        low: Smallest finite element; None where there is none, or it was not looked at.
        high: Largest finite element.
        nan: Number of NaN.
        infinite: Number of infinite elements, those of masks left out.
    """

    place: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    low: float | None = None
    high: float | None = None
    nan: int = 0
    infinite: int = 0


def _is_shape(shape: object) -> bool:
    if not isinstance(shape, Sequence) or isinstance(shape, str):
        return False
    return all(size is None or (hasattr(size, "__index__") and size.__index__() >= 0) for size in shape)


def fits(shape: Sequence[int], expected: Sequence[int | None]) -> bool:
    """Return whether a shape is as expected, where None stands for any size."""
    return len(shape) == len(expected) and all(e is None or e == s for s, e in zip(shape, expected, strict=True))


def spell(shape: Sequence[int | None]) -> str:
    """Return a shape as people write it: `(any, 10)`."""
    inner = ", ".join("any" if size is None else str(size) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def judge(contract: Contract, seen: Seen, *, layer: str, root: bool = False) -> Finding | None:
    """Return what is wrong with a tensor, the gravest first; None if it keeps its contract.

    Args:
        contract: What it has to be like.
        seen: What it is like.
        layer: Qualified name of the module that it goes into or comes out of.
        root: Whether that is the whole model: what goes into it came from the caller.
    """
    side = "input" if seen.place.startswith("input") else "output"
    where = f"{seen.place} of {layer}"
    evidence: dict[str, Any] = {"layer": layer, "place": seen.place, "shape": spell(seen.shape), "dtype": seen.dtype}
    from_caller = root and side == "input"
    if contract.shape is not None and not fits(seen.shape, contract.shape):
        return _finding(
            "contract.shape",
            f"The {where} has shape {spell(seen.shape)}, expected {spell(contract.shape)}.",
            "The batch is put together in another way than the model expects."
            if from_caller
            else "The layer has another width, or a dimension was added, dropped or swapped before it.",
            (
                "Print the shapes of all layers, with otel_mldebug.watch(model), and find the first that differs.",
                "Look for view, reshape, squeeze, transpose and flatten before this place.",
                "Correct the expected shape if the model was changed on purpose.",
            ),
            {**evidence, "expected_shape": spell(contract.shape)},
            from_caller=from_caller,
        )
    if (allowed := contract.dtypes()) and seen.dtype not in allowed:
        return _finding(
            "contract.dtype",
            f"The {where} is {seen.dtype}, expected {' or '.join(allowed)}.",
            "Data, weights and autocast do not agree on a type.",
            (
                f"Convert it before this place, with .to(torch.{allowed[0]}).",
                "Check where autocast begins and ends, and the type that the model was loaded in.",
            ),
            {**evidence, "expected_dtype": ", ".join(allowed)},
            from_caller=from_caller,
        )
    if contract.finite and (seen.nan or seen.infinite):
        return _nonfinite(seen, where, evidence, from_caller=from_caller)
    return _range(contract, seen, where, evidence, from_caller=from_caller)


def _nonfinite(seen: Seen, where: str, evidence: dict[str, Any], *, from_caller: bool) -> Finding:
    size = math.prod(seen.shape)
    place = "between the layer before and this one" if seen.place.startswith("input") else "of this layer"
    kinds = [f"{number} {kind}" for number, kind in ((seen.nan, "NaN"), (seen.infinite, "infinite")) if number]
    return _finding(
        "contract.nonfinite",
        f"The {where} holds values that are not finite: {' and '.join(kinds)} of {size}.",
        "The data hold them already."
        if from_caller
        else f"An operation {place} overflowed or was undefined for what it got, or weights are not finite.",
        (
            "Check the data where they are loaded, and drop or impute such samples."
            if from_caller
            else "Look for a division, root, logarithm or exponential there, and add an epsilon.",
            "Check the weights with otel_mldebug.parameter_report(model).",
            "Use bfloat16 or float32 for this layer if it computes in float16.",
        ),
        {**evidence, "nan": seen.nan, "infinite": seen.infinite, "elements": size},
        from_caller=from_caller,
    )


def _range(
    contract: Contract, seen: Seen, where: str, evidence: dict[str, Any], *, from_caller: bool
) -> Finding | None:
    if seen.low is None or seen.high is None:
        return None
    below = contract.low is not None and seen.low < contract.low
    above = contract.high is not None and seen.high > contract.high
    if not below and not above:
        return None
    low = "-inf" if contract.low is None else f"{contract.low:g}"
    high = "inf" if contract.high is None else f"{contract.high:g}"
    return _finding(
        "contract.range",
        f"The {where} lies in [{seen.low:.4g}, {seen.high:.4g}], expected [{low}, {high}].",
        "The data are not normalised as the model expects."
        if from_caller
        else "The layer has other units than expected, or its values grow.",
        (
            "Normalise the inputs as in training." if from_caller else "Check which activation ends this layer.",
            "Check whether values were scaled twice or not at all, such as bytes of 0 to 255 for images.",
        ),
        {**evidence, "smallest": seen.low, "largest": seen.high},
        from_caller=from_caller,
        severity=Severity.WARNING,
    )


def _finding(
    rule: str,
    summary: str,
    cause: str,
    solutions: tuple[str, ...],
    evidence: dict[str, Any],
    *,
    from_caller: bool,
    severity: Severity = Severity.ERROR,
) -> Finding:
    return Finding(
        rule=rule,
        category=Category.INPUT_VALIDATION if from_caller else Category.MODEL,
        severity=severity,
        summary=summary,
        cause=cause,
        solutions=solutions,
        prevention="Keep the contract in a test, with otel_mldebug.checks.output_shapes.",
        confidence=1.0,
        basis="detector",
        evidence=evidence,
    )
