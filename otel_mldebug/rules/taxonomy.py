"""Names that other toolkits and programs use for categories and severities, and what they are called here."""

import re
from collections.abc import Mapping

from otel_mldebug.semconv.names import Category, Severity

_CATEGORIES: Mapping[Category, str] = {
    Category.MEMORY: "memory_error oom out_of_memory cuda_oom gpu_memory gpu_oom "
    "cuda_memory resource_exhausted memory_leak",
    Category.GRADIENT: "gradients gradient_error exploding_gradient vanishing_gradient gradient_explosion "
    "gradient_vanishing backward autograd backpropagation",
    Category.LOSS: "loss_error nan_loss inf_loss loss_computation numerical numerical_error numerical_instability nan",
    Category.OPTIMIZATION: "optimizer optimizer_error optimisation scheduler learning_rate convergence",
    Category.TRAINING: "training_error train training_loop callback hyperparameter",
    Category.EVALUATION: "evaluation_error metrics metric validation_metrics eval",
    Category.INFERENCE: "inference_error prediction generation serving model_inference",
    Category.MODEL: "model_error shape shape_mismatch dimension dtype device "
    "device_mismatch cuda gpu gpu_error cuda_error "
    "architecture tensor forward forward_pass",
    Category.MODEL_LOADING: "loading model_load checkpoint checkpoint_error weights state_dict serialization",
    Category.DATA: "data_error data_loading dataloader dataset preprocessing "
    "data_processing data_format encoding parsing io_data",
    Category.INPUT_VALIDATION: "validation validation_error input input_error config "
    "configuration configuration_error "
    "argument user_input value_error type_error",
    Category.NETWORK: "network_error connection connection_error http api api_error dns ssl download "
    "rate_limit authentication external_service",
    Category.TIMEOUT: "timeout_error deadline",
    Category.DISTRIBUTED: "distributed_error distributed_training nccl multi_gpu ddp communication",
    Category.DEPENDENCY: "dependency_error import import_error environment version installation library",
    Category.SYSTEM: "system_error resource resource_error io io_error file_io "
    "file filesystem disk permission os process "
    "hardware thread threading concurrency",
    Category.UNKNOWN: "other general generic runtime runtime_error uncategorized undefined none",
}
_SEVERITIES: Mapping[Severity, str] = {
    Severity.DEBUG: "trace verbose",
    Severity.INFO: "information informational notice",
    Severity.WARNING: "warn low minor medium moderate",
    Severity.ERROR: "high major severe",
    Severity.CRITICAL: "fatal emergency alert blocker",
}

CATEGORIES: Mapping[str, Category] = {
    **{str(category): category for category in Category},
    **{name: category for category, names in _CATEGORIES.items() for name in names.split()},
}
"""Name in lower case with underscores -> category."""
SEVERITIES: Mapping[str, Severity] = {
    **{str(severity): severity for severity in Severity},
    **{name: severity for severity, names in _SEVERITIES.items() for name in names.split()},
}
"""Name in lower case -> severity."""
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SAYS_NOTHING = re.compile(r"_(?:errors?|exceptions?|failures?|issues?|problems?)\Z")


def category_of(name: str) -> Category | None:
    """Return the category that `name` means, in any spelling (`CUDA_OOM`, `Shape Mismatch`); None if unknown."""
    plain = _plain(name)
    return CATEGORIES.get(plain) or CATEGORIES.get(_SAYS_NOTHING.sub("", plain))


def severity_of(name: str) -> Severity | None:
    """Return the severity that `name` means (`WARN`, `Fatal`); None if unknown."""
    return SEVERITIES.get(_plain(name))


def _plain(name: str) -> str:
    last = name.strip().rpartition(".")[2]  # `ErrorCategory.MEMORY`
    return _HUMP.sub("_", last).lower().replace("-", "_").replace(" ", "_")
