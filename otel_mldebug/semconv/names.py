"""Names and units of all we emit. Generated from registry/*.yaml by `make generate`: do not edit."""

from enum import Enum
from typing import Final

from otel_mldebug.semconv.metric import Metric


class Category(str, Enum):
    """What kind of trouble a finding describes."""

    MEMORY = "memory"  # An allocation on the device or the host failed, or memory keeps growing.
    GRADIENT = "gradient"  # Gradients are missing, non-finite, vanishing or exploding, or the graph cannot be differentiated.
    LOSS = "loss"  # The loss is non-finite, diverges, or was computed on arguments that do not fit.
    OPTIMIZATION = "optimization"  # The optimizer, the scheduler or the gradient scaler was used wrongly or lost its state.
    TRAINING = "training"  # The training loop or its configuration is wrong in another way.
    EVALUATION = "evaluation"  # Metrics or evaluation loops fail or mislead.
    INFERENCE = "inference"  # Serving or generating fails: model servers, generation settings, back ends.
    MODEL = "model"  # Shape, dtype, device or architecture of a model and its inputs do not fit.
    MODEL_LOADING = "model_loading"  # Weights or files of a model are missing, corrupt or incompatible.
    DATA = "data"  # A data set, a file of data, a collate or decode step, or a data frame is at fault.
    INPUT_VALIDATION = "input_validation"  # An argument, a request or a configuration does not satisfy its contract.
    NETWORK = "network"  # A connection, a name look-up, a certificate or an HTTP exchange failed.
    TIMEOUT = "timeout"  # Something did not answer in the time it was given.
    DISTRIBUTED = "distributed"  # Process groups, collectives, ranks or sharding are at fault.
    DEPENDENCY = "dependency"  # A package, driver or binary is missing or does not match another.
    SYSTEM = "system"  # The operating system refused: disk, permission, process, signal, file limits.
    UNKNOWN = "unknown"  # No rule knows this failure.

    def __str__(self) -> str:
        return self.value


class Severity(str, Enum):
    """How bad it is, in rising order."""

    DEBUG = "debug"  # Of interest to somebody who is looking into it already.
    INFO = "info"  # Worth knowing; nothing to do.
    WARNING = "warning"  # Transient or not fatal: the work goes on, or does so when tried again.
    ERROR = "error"  # Needs a change of code, configuration, data or installation.
    CRITICAL = "critical"  # The job stops, or a resource is gone: out of memory, lost rank, full disk, divergence.

    def __str__(self) -> str:
        return self.value


class Reason(str, Enum):
    """Why a call has a span."""

    BUDGET = "budget"  # The budget paid for it before the call: it is the parent of what happened inside.
    ERROR = "error"  # The call raised. Made when it ended, unless the budget had paid, so it may lack children.
    OUTLIER = "outlier"  # The call took far longer than usual. Made when it ended, so it has no children.
    LONG = "long"  # The call was long enough to pay for its span. Made when it ended, so it has no children.

    def __str__(self) -> str:
        return self.value


class Phase(str, Enum):
    """Part of a training step."""

    DATA = "data"  # Waiting for the next batch.
    COPY = "copy"  # From the batch to the forward pass, where the batch has to get to another device.
    FORWARD = "forward"  # From there to the start of backward, but for the loss where it can be told apart.
    LOSS = "loss"  # From the end of the model's forward pass to the start of backward.
    BACKWARD = "backward"  # Inside backward, but for gradient synchronisation where it can be told apart.
    SYNC = "sync"  # Inside backward, waiting for the gradients of the other ranks.
    OPTIMIZER = "optimizer"  # Inside the optimizer's step.
    OTHER = "other"  # All else between two steps, such as evaluation, logging or checkpoints.

    def __str__(self) -> str:
        return self.value

CODE_FILE_PATH: Final = "code.file.path"
CODE_FUNCTION_NAME: Final = "code.function.name"
CODE_LINE_NUMBER: Final = "code.line.number"
CPU_MODE: Final = "cpu.mode"
CPYTHON_GC_GENERATION: Final = "cpython.gc.generation"
DISK_IO_DIRECTION: Final = "disk.io.direction"
ERROR_TYPE: Final = "error.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
EXCEPTION_TYPE: Final = "exception.type"
HOST_NAME: Final = "host.name"
HW_DRIVER_VERSION: Final = "hw.driver_version"
HW_ID: Final = "hw.id"
HW_NAME: Final = "hw.name"
HW_TYPE: Final = "hw.type"
HW_VENDOR: Final = "hw.vendor"
MLDEBUG_ARGUMENT: Final = "mldebug.argument"
MLDEBUG_CONTEXT: Final = "mldebug.context"
MLDEBUG_DISTRIBUTED_BACKEND: Final = "mldebug.distributed.backend"
MLDEBUG_EVIDENCE: Final = "mldebug.evidence"
MLDEBUG_EXCEPTION_CHAIN: Final = "mldebug.exception.chain"
MLDEBUG_EXCEPTION_FRAMES: Final = "mldebug.exception.frames"
MLDEBUG_EXCEPTION_GROUP: Final = "mldebug.exception.group"
MLDEBUG_FINDING_BASIS: Final = "mldebug.finding.basis"
MLDEBUG_FINDING_CATEGORY: Final = "mldebug.finding.category"
MLDEBUG_FINDING_CAUSE: Final = "mldebug.finding.cause"
MLDEBUG_FINDING_CONFIDENCE: Final = "mldebug.finding.confidence"
MLDEBUG_FINDING_COUNT: Final = "mldebug.finding.count"
MLDEBUG_FINDING_DOCS: Final = "mldebug.finding.docs"
MLDEBUG_FINDING_FINGERPRINT: Final = "mldebug.finding.fingerprint"
MLDEBUG_FINDING_ID: Final = "mldebug.finding.id"
MLDEBUG_FINDING_PREVENTION: Final = "mldebug.finding.prevention"
MLDEBUG_FINDING_RETRYABLE: Final = "mldebug.finding.retryable"
MLDEBUG_FINDING_RULE: Final = "mldebug.finding.rule"
MLDEBUG_FINDING_SEVERITY: Final = "mldebug.finding.severity"
MLDEBUG_FINDING_SOLUTIONS: Final = "mldebug.finding.solutions"
MLDEBUG_FINDING_SUMMARY: Final = "mldebug.finding.summary"
MLDEBUG_FINDING_SUPPRESSED: Final = "mldebug.finding.suppressed"
MLDEBUG_LOCAL_RANK: Final = "mldebug.local_rank"
MLDEBUG_MODEL: Final = "mldebug.model"
MLDEBUG_RANK: Final = "mldebug.rank"
MLDEBUG_RUN_ID: Final = "mldebug.run.id"
MLDEBUG_SAMPLED_REASON: Final = "mldebug.sampled.reason"
MLDEBUG_SAMPLED_SHARE: Final = "mldebug.sampled.share"
MLDEBUG_SELF_DOING: Final = "mldebug.self.doing"
MLDEBUG_SELF_SIGNAL: Final = "mldebug.self.signal"
MLDEBUG_SESSION_ID: Final = "mldebug.session.id"
MLDEBUG_TRACK_NAME: Final = "mldebug.track.name"
MLDEBUG_TRAIN_EPOCH: Final = "mldebug.train.epoch"
MLDEBUG_TRAIN_GRADIENT_NORM_VALUE: Final = "mldebug.train.gradient.norm.value"
MLDEBUG_TRAIN_LAYER: Final = "mldebug.train.layer"
MLDEBUG_TRAIN_LEARNING_RATE_VALUE: Final = "mldebug.train.learning_rate.value"
MLDEBUG_TRAIN_LOSS_VALUE: Final = "mldebug.train.loss.value"
MLDEBUG_TRAIN_OPTIMIZER: Final = "mldebug.train.optimizer"
MLDEBUG_TRAIN_PHASE: Final = "mldebug.train.phase"
MLDEBUG_TRAIN_PHASE_DURATION: Final = "mldebug.train.phase.duration"
MLDEBUG_TRAIN_STEP_INDEX: Final = "mldebug.train.step.index"
MLDEBUG_WORLD_SIZE: Final = "mldebug.world_size"
NETWORK_INTERFACE_NAME: Final = "network.interface.name"
NETWORK_IO_DIRECTION: Final = "network.io.direction"
PROCESS_COMMAND_ARGS: Final = "process.command_args"
PROCESS_PID: Final = "process.pid"
PROCESS_RUNTIME_NAME: Final = "process.runtime.name"
PROCESS_RUNTIME_VERSION: Final = "process.runtime.version"
SERVICE_INSTANCE_ID: Final = "service.instance.id"
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
SYSTEM_DEVICE: Final = "system.device"
SYSTEM_FILESYSTEM_MOUNTPOINT: Final = "system.filesystem.mountpoint"
SYSTEM_FILESYSTEM_STATE: Final = "system.filesystem.state"
SYSTEM_MEMORY_STATE: Final = "system.memory.state"
SYSTEM_PAGING_STATE: Final = "system.paging.state"
TELEMETRY_DISTRO_NAME: Final = "telemetry.distro.name"
TELEMETRY_DISTRO_VERSION: Final = "telemetry.distro.version"
THREAD_ID: Final = "thread.id"
THREAD_NAME: Final = "thread.name"

EVENT_MLDEBUG_FINDING: Final = "mldebug.finding"

CPYTHON_GC_COLLECTIONS: Final = Metric(
    "cpython.gc.collections",
    "counter",
    "{collection}",
    "Garbage collections by generation.",
    attributes=("cpython.gc.generation",),
)

HW_ENERGY: Final = Metric(
    "hw.energy",
    "counter",
    "J",
    "Energy the GPU has used.",
    attributes=("hw.id", "hw.name", "hw.type"),
)

HW_ERRORS: Final = Metric(
    "hw.errors",
    "counter",
    "{error}",
    "Uncorrected memory errors of the GPU.",
    attributes=("hw.id", "hw.name", "hw.type", "error.type"),
)

HW_GPU_MEMORY_LIMIT: Final = Metric(
    "hw.gpu.memory.limit",
    "updowncounter",
    "By",
    "Memory of the GPU.",
    attributes=("hw.id", "hw.name"),
)

HW_GPU_MEMORY_USAGE: Final = Metric(
    "hw.gpu.memory.usage",
    "updowncounter",
    "By",
    "Memory of the GPU in use by all processes.",
    attributes=("hw.id", "hw.name"),
)

HW_GPU_MEMORY_UTILIZATION: Final = Metric(
    "hw.gpu.memory.utilization",
    "gauge",
    "1",
    "Share of the GPU's memory in use.",
    attributes=("hw.id", "hw.name"),
)

HW_GPU_UTILIZATION: Final = Metric(
    "hw.gpu.utilization",
    "gauge",
    "1",
    "Share of time in which the GPU was busy.",
    attributes=("hw.id", "hw.name"),
)

HW_POWER: Final = Metric(
    "hw.power",
    "gauge",
    "W",
    "Power the GPU draws.",
    attributes=("hw.id", "hw.name", "hw.type"),
)

HW_TEMPERATURE: Final = Metric(
    "hw.temperature",
    "gauge",
    "Cel",
    "Temperature of the GPU.",
    attributes=("hw.id", "hw.name", "hw.type"),
)

MLDEBUG_FINDINGS: Final = Metric(
    "mldebug.findings",
    "counter",
    "{finding}",
    "Findings, every occurrence counted.",
    attributes=("mldebug.finding.rule", "mldebug.finding.category", "mldebug.finding.severity"),
)

MLDEBUG_FUNCTION_CALLS: Final = Metric(
    "mldebug.function.calls",
    "counter",
    "{call}",
    "Calls of a watched function, every one counted.",
    attributes=("code.function.name",),
)

MLDEBUG_FUNCTION_DURATION: Final = Metric(
    "mldebug.function.duration",
    "histogram",
    "s",
    "Wall time of one call of a watched function, of the calls that the budget paid for.",
    attributes=("code.function.name",),
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

MLDEBUG_FUNCTION_ERRORS: Final = Metric(
    "mldebug.function.errors",
    "counter",
    "{call}",
    "Calls of a watched function that raised, every one counted.",
    attributes=("code.function.name", "error.type"),
)

MLDEBUG_FUNCTION_TIME: Final = Metric(
    "mldebug.function.time",
    "counter",
    "s",
    "Wall time spent in a watched function, every call counted.",
    attributes=("code.function.name",),
)

MLDEBUG_INFERENCE_DURATION: Final = Metric(
    "mldebug.inference.duration",
    "histogram",
    "s",
    "Wall time of one call of a watched model outside of training.",
    attributes=("mldebug.model",),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

MLDEBUG_SELF_COST: Final = Metric(
    "mldebug.self.cost",
    "gauge",
    "1",
    "Share of the watched code's time that watching costs.",
)

MLDEBUG_SELF_DROPPED: Final = Metric(
    "mldebug.self.dropped",
    "counter",
    "{item}",
    "Items that were recorded and then given up, by signal.",
    attributes=("mldebug.self.signal",),
)

MLDEBUG_SELF_FAULTS: Final = Metric(
    "mldebug.self.faults",
    "counter",
    "{fault}",
    "Failures inside otel-mldebug itself; the program went on without the part that failed.",
    attributes=("mldebug.self.doing",),
)

MLDEBUG_SELF_REDACTIONS: Final = Metric(
    "mldebug.self.redactions",
    "counter",
    "{replacement}",
    "Secrets replaced before something left the process.",
)

MLDEBUG_SELF_STORE_SIZE: Final = Metric(
    "mldebug.self.store.size",
    "updowncounter",
    "By",
    "Size of what this process has in the local store.",
)

MLDEBUG_SELF_SUPPRESSED: Final = Metric(
    "mldebug.self.suppressed",
    "counter",
    "{finding}",
    "Findings that were counted and not sent, because their group or the whole process exceeded its rate.",
)

MLDEBUG_SELF_TIME: Final = Metric(
    "mldebug.self.time",
    "counter",
    "s",
    "Processor time that otel-mldebug spent inside the program, as far as it measures itself.",
)

MLDEBUG_TRACK_VALUE: Final = Metric(
    "mldebug.track.value",
    "gauge",
    "{value}",
    "Latest finite value of what the program tracks itself, such as one term of its loss.",
    attributes=("mldebug.track.name",),
)

MLDEBUG_TRAIN_EVALUATION_LOSS: Final = Metric(
    "mldebug.train.evaluation.loss",
    "gauge",
    "{loss}",
    "Mean loss of the latest of those passes that computed one.",
)

MLDEBUG_TRAIN_EVALUATION_TIME: Final = Metric(
    "mldebug.train.evaluation.time",
    "counter",
    "s",
    "Wall time of those passes.",
)

MLDEBUG_TRAIN_EVALUATIONS: Final = Metric(
    "mldebug.train.evaluations",
    "counter",
    "{pass}",
    "Passes over data that is not trained on, between training steps.",
)

MLDEBUG_TRAIN_GRADIENT_NORM: Final = Metric(
    "mldebug.train.gradient.norm",
    "gauge",
    "{norm}",
    "Euclidean norm of all gradients at the latest step where it was taken and finite.",
    attributes=("mldebug.train.optimizer",),
)

MLDEBUG_TRAIN_LAYER_DEAD: Final = Metric(
    "mldebug.train.layer.dead",
    "gauge",
    "1",
    "Share of units behind one layer that are 0 for the whole batch, at the latest look into a step.",
    attributes=("mldebug.train.layer", "mldebug.train.optimizer"),
)

MLDEBUG_TRAIN_LAYER_GRADIENT_NORM: Final = Metric(
    "mldebug.train.layer.gradient.norm",
    "gauge",
    "{norm}",
    "Euclidean norm of the gradients of one layer, at the latest look into a step.",
    attributes=("mldebug.train.layer", "mldebug.train.optimizer"),
)

MLDEBUG_TRAIN_LAYER_UPDATE_RATIO: Final = Metric(
    "mldebug.train.layer.update.ratio",
    "gauge",
    "1",
    "Norm of what the step changed in the weights of one layer, over their norm, at the latest look into a step.",
    attributes=("mldebug.train.layer", "mldebug.train.optimizer"),
)

MLDEBUG_TRAIN_LAYER_WEIGHT_NORM: Final = Metric(
    "mldebug.train.layer.weight.norm",
    "gauge",
    "{norm}",
    "Euclidean norm of the weights of one layer, at the latest look into a step.",
    attributes=("mldebug.train.layer", "mldebug.train.optimizer"),
)

MLDEBUG_TRAIN_LEARNING_RATE: Final = Metric(
    "mldebug.train.learning_rate",
    "gauge",
    "{rate}",
    "Learning rate of the first parameter group.",
    attributes=("mldebug.train.optimizer",),
)

MLDEBUG_TRAIN_LOSS: Final = Metric(
    "mldebug.train.loss",
    "gauge",
    "{loss}",
    "Objective of the latest step whose value is finite.",
    attributes=("mldebug.train.optimizer",),
)

MLDEBUG_TRAIN_MFU: Final = Metric(
    "mldebug.train.mfu",
    "gauge",
    "1",
    "Share of the GPU's peak that the model itself needs (model FLOP utilisation), of the latest steps that were recorded.",
    attributes=("mldebug.train.optimizer",),
)

MLDEBUG_TRAIN_NONFINITE: Final = Metric(
    "mldebug.train.nonfinite",
    "counter",
    "{step}",
    "Steps whose loss or gradient norm was NaN or infinite.",
)

MLDEBUG_TRAIN_PHASE_TIME: Final = Metric(
    "mldebug.train.phase.time",
    "counter",
    "s",
    "Wall time spent in each phase of training.",
    attributes=("mldebug.train.phase",),
)

MLDEBUG_TRAIN_SAMPLES: Final = Metric(
    "mldebug.train.samples",
    "counter",
    "{sample}",
    "Samples that went through training steps.",
)

MLDEBUG_TRAIN_SCALE: Final = Metric(
    "mldebug.train.scale",
    "gauge",
    "1",
    "Factor of the gradient scaler before the latest step that was recorded.",
    attributes=("mldebug.train.optimizer",),
)

MLDEBUG_TRAIN_STEP_DURATION: Final = Metric(
    "mldebug.train.step.duration",
    "histogram",
    "s",
    "Wall time of one training step, data wait included.",
    attributes=("mldebug.train.optimizer",),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

MLDEBUG_TRAIN_STEPS: Final = Metric(
    "mldebug.train.steps",
    "counter",
    "{step}",
    "Training steps, every one counted.",
    attributes=("mldebug.train.optimizer",),
)

MLDEBUG_TRAIN_TOKENS: Final = Metric(
    "mldebug.train.tokens",
    "counter",
    "{token}",
    "Tokens that went through training steps; of steps that were not measured, as many as in the one that was.",
)

PROCESS_CPU_TIME: Final = Metric(
    "process.cpu.time",
    "counter",
    "s",
    "Processor time of this process by mode.",
    attributes=("cpu.mode",),
)

PROCESS_CPU_UTILIZATION: Final = Metric(
    "process.cpu.utilization",
    "gauge",
    "1",
    "Processor time of this process over elapsed time and logical processors, by mode.",
    attributes=("cpu.mode",),
)

PROCESS_DISK_IO: Final = Metric(
    "process.disk.io",
    "counter",
    "By",
    "Bytes that this process read and wrote.",
    attributes=("disk.io.direction",),
)

PROCESS_MEMORY_USAGE: Final = Metric(
    "process.memory.usage",
    "updowncounter",
    "By",
    "Resident memory of this process.",
)

PROCESS_MEMORY_VIRTUAL: Final = Metric(
    "process.memory.virtual",
    "updowncounter",
    "By",
    "Virtual memory of this process.",
)

PROCESS_THREAD_COUNT: Final = Metric(
    "process.thread.count",
    "updowncounter",
    "{thread}",
    "Threads of this process.",
)

PROCESS_UNIX_FILE_DESCRIPTOR_COUNT: Final = Metric(
    "process.unix.file_descriptor.count",
    "updowncounter",
    "{file_descriptor}",
    "Open file descriptors of this process.",
)

PROCESS_UPTIME: Final = Metric(
    "process.uptime",
    "gauge",
    "s",
    "Age of this process.",
)

SYSTEM_CPU_LOGICAL_COUNT: Final = Metric(
    "system.cpu.logical.count",
    "updowncounter",
    "{cpu}",
    "Logical processors that the host has.",
)

SYSTEM_CPU_UTILIZATION: Final = Metric(
    "system.cpu.utilization",
    "gauge",
    "1",
    "Share of processor time by mode, over all processors.",
    attributes=("cpu.mode",),
)

SYSTEM_DISK_IO: Final = Metric(
    "system.disk.io",
    "counter",
    "By",
    "Bytes read from and written to disks.",
    attributes=("system.device", "disk.io.direction"),
)

SYSTEM_FILESYSTEM_USAGE: Final = Metric(
    "system.filesystem.usage",
    "updowncounter",
    "By",
    "Space of the file systems that hold the working directory, temporary files and shared memory.",
    attributes=("system.filesystem.mountpoint", "system.filesystem.state"),
)

SYSTEM_FILESYSTEM_UTILIZATION: Final = Metric(
    "system.filesystem.utilization",
    "gauge",
    "1",
    "Share of those file systems that is used.",
    attributes=("system.filesystem.mountpoint", "system.filesystem.state"),
)

SYSTEM_MEMORY_LIMIT: Final = Metric(
    "system.memory.limit",
    "updowncounter",
    "By",
    "Memory of the host.",
)

SYSTEM_MEMORY_USAGE: Final = Metric(
    "system.memory.usage",
    "updowncounter",
    "By",
    "Memory of the host by state.",
    attributes=("system.memory.state",),
)

SYSTEM_MEMORY_UTILIZATION: Final = Metric(
    "system.memory.utilization",
    "gauge",
    "1",
    "Share of the host's memory by state.",
    attributes=("system.memory.state",),
)

SYSTEM_NETWORK_IO: Final = Metric(
    "system.network.io",
    "counter",
    "By",
    "Bytes received and sent by network interfaces.",
    attributes=("network.interface.name", "network.io.direction"),
)

SYSTEM_PAGING_USAGE: Final = Metric(
    "system.paging.usage",
    "updowncounter",
    "By",
    "Swap by state.",
    attributes=("system.paging.state",),
)

METRICS: Final = (
    CPYTHON_GC_COLLECTIONS,
    HW_ENERGY,
    HW_ERRORS,
    HW_GPU_MEMORY_LIMIT,
    HW_GPU_MEMORY_USAGE,
    HW_GPU_MEMORY_UTILIZATION,
    HW_GPU_UTILIZATION,
    HW_POWER,
    HW_TEMPERATURE,
    MLDEBUG_FINDINGS,
    MLDEBUG_FUNCTION_CALLS,
    MLDEBUG_FUNCTION_DURATION,
    MLDEBUG_FUNCTION_ERRORS,
    MLDEBUG_FUNCTION_TIME,
    MLDEBUG_INFERENCE_DURATION,
    MLDEBUG_SELF_COST,
    MLDEBUG_SELF_DROPPED,
    MLDEBUG_SELF_FAULTS,
    MLDEBUG_SELF_REDACTIONS,
    MLDEBUG_SELF_STORE_SIZE,
    MLDEBUG_SELF_SUPPRESSED,
    MLDEBUG_SELF_TIME,
    MLDEBUG_TRACK_VALUE,
    MLDEBUG_TRAIN_EVALUATION_LOSS,
    MLDEBUG_TRAIN_EVALUATION_TIME,
    MLDEBUG_TRAIN_EVALUATIONS,
    MLDEBUG_TRAIN_GRADIENT_NORM,
    MLDEBUG_TRAIN_LAYER_DEAD,
    MLDEBUG_TRAIN_LAYER_GRADIENT_NORM,
    MLDEBUG_TRAIN_LAYER_UPDATE_RATIO,
    MLDEBUG_TRAIN_LAYER_WEIGHT_NORM,
    MLDEBUG_TRAIN_LEARNING_RATE,
    MLDEBUG_TRAIN_LOSS,
    MLDEBUG_TRAIN_MFU,
    MLDEBUG_TRAIN_NONFINITE,
    MLDEBUG_TRAIN_PHASE_TIME,
    MLDEBUG_TRAIN_SAMPLES,
    MLDEBUG_TRAIN_SCALE,
    MLDEBUG_TRAIN_STEP_DURATION,
    MLDEBUG_TRAIN_STEPS,
    MLDEBUG_TRAIN_TOKENS,
    PROCESS_CPU_TIME,
    PROCESS_CPU_UTILIZATION,
    PROCESS_DISK_IO,
    PROCESS_MEMORY_USAGE,
    PROCESS_MEMORY_VIRTUAL,
    PROCESS_THREAD_COUNT,
    PROCESS_UNIX_FILE_DESCRIPTOR_COUNT,
    PROCESS_UPTIME,
    SYSTEM_CPU_LOGICAL_COUNT,
    SYSTEM_CPU_UTILIZATION,
    SYSTEM_DISK_IO,
    SYSTEM_FILESYSTEM_USAGE,
    SYSTEM_FILESYSTEM_UTILIZATION,
    SYSTEM_MEMORY_LIMIT,
    SYSTEM_MEMORY_USAGE,
    SYSTEM_MEMORY_UTILIZATION,
    SYSTEM_NETWORK_IO,
    SYSTEM_PAGING_USAGE,
)
