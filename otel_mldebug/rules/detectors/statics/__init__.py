"""Detectors that judge how a program is put together: model, optimizer, loss, modes, and what goes in."""

from collections.abc import Mapping

from otel_mldebug.rules.detectors.signature import LookDetector
from otel_mldebug.rules.detectors.statics.activation import no_activation
from otel_mldebug.rules.detectors.statics.apart import targets_apart
from otel_mldebug.rules.detectors.statics.broadcast import broadcast
from otel_mldebug.rules.detectors.statics.collapse import trained_target
from otel_mldebug.rules.detectors.statics.detached import detached_loss
from otel_mldebug.rules.detectors.statics.dropout import dropout_chance, dropout_output
from otel_mldebug.rules.detectors.statics.inputs import constant_input, tiny_input, unnormalised_input
from otel_mldebug.rules.detectors.statics.leakage import target_is_input
from otel_mldebug.rules.detectors.statics.logits import (
    log_probabilities,
    log_softmax_twice,
    probabilities,
    squashed_twice,
)
from otel_mldebug.rules.detectors.statics.modes import batch_of_one, eval_mode
from otel_mldebug.rules.detectors.statics.outputs import bounded_logits, output_range
from otel_mldebug.rules.detectors.statics.pooling import constant_weights_of_sum
from otel_mldebug.rules.detectors.statics.repeats import repeated_batch, repeated_samples, same_random
from otel_mldebug.rules.detectors.statics.settings import learning_rate, momentum, weight_decay
from otel_mldebug.rules.detectors.statics.sign import maximised
from otel_mldebug.rules.detectors.statics.softmax import softmax_dimension
from otel_mldebug.rules.detectors.statics.squared import squared_probabilities
from otel_mldebug.rules.detectors.statics.switches import switch_without_effect
from otel_mldebug.rules.detectors.statics.targets import constant_target, shifted_labels, target_range, target_scale

DETECTORS: tuple[LookDetector, ...] = (
    detached_loss,
    broadcast,
    softmax_dimension,
    constant_weights_of_sum,
    probabilities,
    squashed_twice,
    log_probabilities,
    target_range,
    maximised,
    output_range,
    bounded_logits,
    squared_probabilities,
    dropout_output,
    trained_target,
    log_softmax_twice,
    targets_apart,
    constant_input,
    unnormalised_input,
    tiny_input,
    target_scale,
    repeated_batch,
    repeated_samples,
    same_random,
    constant_target,
    shifted_labels,
    target_is_input,
    switch_without_effect,
    eval_mode,
    dropout_chance,
    batch_of_one,
    no_activation,
    momentum,
    learning_rate,
    weight_decay,
)
"""In order of importance: of a family, the first one that fires is the one that is reported."""

_OUTPUT = "output and loss"
_SCALE = "scale of data"
_REPEATED = "repeated data"

FAMILIES: Mapping[str, str] = {
    "loss.broadcast": _OUTPUT,
    "loss.softmax_dimension": _OUTPUT,
    "loss.expects_logits": _OUTPUT,
    "loss.probabilities_twice": _OUTPUT,
    "loss.expects_log_probabilities": _OUTPUT,
    "loss.target_range": _OUTPUT,
    "loss.maximised": _OUTPUT,
    "loss.output_range": _OUTPUT,
    "loss.bounded_logits": _OUTPUT,
    "loss.squared_probabilities": _OUTPUT,
    "loss.log_softmax_twice": _OUTPUT,
    "model.dropout_output": _OUTPUT,
    "data.constant_input": _SCALE,
    "data.unnormalised_input": _SCALE,
    "data.target_scale": _SCALE,
    "data.repeated_batch": _REPEATED,
    "data.repeated_samples": _REPEATED,
    "data.same_augmentation": _REPEATED,
    "loss.detached": "held",
    "optimizer.learning_rate": "rate",
}
"""What a rule is one symptom of, by rule; those that are left out are a family of their own."""
