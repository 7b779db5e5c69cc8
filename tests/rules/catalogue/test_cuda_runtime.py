"""The entries about GPUs, their drivers and libraries, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    ("cuda.device_assert", "RuntimeError", "CUDA error: device-side assert triggered"),
    ("cuda.illegal_access", "RuntimeError", "CUDA error: an illegal memory access was encountered"),
    ("cuda.hardware", "RuntimeError", "CUDA error: uncorrectable ECC error encountered"),
    ("cuda.busy", "RuntimeError", "CUDA error: CUDA-capable device(s) is/are busy or unavailable"),
    ("cuda.ordinal", "RuntimeError", "CUDA error: invalid device ordinal"),
    ("cuda.no_kernel", "RuntimeError", "CUDA error: no kernel image is available for execution on the device"),
    ("cuda.driver", "RuntimeError", "The NVIDIA driver on your system is too old (found version 11040)."),
    ("cuda.unavailable", "AssertionError", "Torch not compiled with CUDA enabled"),
    ("cuda.fork", "RuntimeError", "Cannot re-initialize CUDA in forked subprocess."),
    ("cuda.blas", "RuntimeError", "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm( handle)`"),
    ("cuda.blas_memory", "RuntimeError", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ("cuda.dnn", "RuntimeError", "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"),
    (
        "cuda.solver",
        "RuntimeError",
        "cusolver error: CUSOLVER_STATUS_INTERNAL_ERROR, when calling `cusolverDnCreate(handle)`",
    ),
    ("cuda.graph", "RuntimeError", "CUDA error: operation not permitted when stream is capturing"),
    ("cuda.toolkit", "OSError", "CUDA_HOME environment variable is not set. Please set it to your CUDA install root."),
    ("cuda.error", "RuntimeError", "CUDA error: peer mapping resources exhausted"),
]
OTHERS = [
    ("cuda.oom", "torch.OutOfMemoryError", "CUDA out of memory. Tried to allocate 3.00 GiB."),
    (
        "distributed.nccl",
        "RuntimeError",
        "NCCL error in: ProcessGroupNCCL.cpp:1275, unhandled cuda error, NCCL version 2.14.3",
    ),
    (
        "load.no_cuda",
        "RuntimeError",
        "Attempting to deserialize object on CUDA device 3 but torch.cuda.device_count() is 1.",
    ),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("cuda_runtime.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
