"""What share of a GPU's peak the model itself needs: model FLOP utilisation, and the peaks that are known.

A token costs 6 floating point operations for each parameter: 2 forward and 4 backward. Source: Kaplan et al., "Scaling
laws for neural language models", 2020, section 2.1 (arXiv 2001.08361). Utilisation is what the tokens of a second need,
over the peak. Source: Chowdhery et al., "PaLM", 2022, appendix B (arXiv 2204.02311); attention, which adds
a little for long sequences, is left out.
"""

import re
from collections.abc import Iterable

from otel_mldebug.rules.steps import StepRecord

PER_TOKEN = 6
"""Operations for each parameter and token."""
LATEST = 64
"""Records of which the utilisation is taken."""

_BOTH = ("float16", "bfloat16")
_PEAKS: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    (r"A100[- ].*", 312e12, _BOTH),  # NVIDIA A100 data sheet, 2022
    (r"H100 80GB HBM3", 989e12, _BOTH),  # NVIDIA H100 data sheet: SXM, half of what is given for sparse matrices
    (r"H100 PCIe", 756e12, _BOTH),  # the same, PCIe
    (r"H100 NVL", 835e12, _BOTH),  # NVIDIA H100 NVL data sheet, without sparsity
    (r"H200", 989e12, _BOTH),  # NVIDIA H200 data sheet: SXM, without sparsity
    (r"H200 NVL", 836e12, _BOTH),  # the same, NVL
    (r"L4", 121e12, _BOTH),  # NVIDIA L4 data sheet, without sparsity
    (r"T4", 65e12, ("float16",)),  # NVIDIA T4 data sheet
    (r"V100-SXM2-.*", 125e12, ("float16",)),  # NVIDIA V100 data sheet
    (r"V100-PCIE-.*", 112e12, ("float16",)),  # the same
    (r"GeForce RTX 4090", 165.2e12, _BOTH),  # NVIDIA Ada architecture white paper, accumulating in float32
    (r"GeForce RTX 3090", 71e12, _BOTH),  # NVIDIA GA102 white paper, accumulating in float32
)


def peak(device: str, dtype: str) -> float | None:
    """Return the peak for dense matrices, floating point operations a second; None where it is not known.

    Args:
        device: As `torch.cuda.get_device_name` says it.
        dtype: `float16` or `bfloat16`; of `float32` it is not known whether tensor cores may round it.
    """
    name = re.sub(r"^(NVIDIA|Tesla)\s+|^NVIDIA\s+Tesla\s+", "", device.strip())
    if "MIG" in name.split():  # a part of one
        return None
    return next((value for what, value, kinds in _PEAKS if dtype in kinds and re.fullmatch(what, name)), None)


def utilisation(records: Iterable[StepRecord], parameters: int, flops: float) -> float | None:
    """Return the share of the peak that the model needs, 0 to 1; None where no record knows its tokens.

    Args:
        records: Of one optimizer, oldest first; the latest `LATEST` count.
        parameters: That are trained.
        flops: The peak, operations a second.
    """
    known = [(r.tokens, r.duration_s) for r in list(records)[-LATEST:] if r.tokens and r.duration_s > 0]
    if not known or not parameters:
        return None
    share = PER_TOKEN * parameters * sum(n for n, _ in known) / sum(s for _, s in known) / flops
    return share if share <= 1.0 else None  # more than the peak: then it is something else that was counted
