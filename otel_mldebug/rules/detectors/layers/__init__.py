"""Detectors that judge how weights, gradients and activations of single layers develop from look to look."""

from collections.abc import Mapping

from otel_mldebug.rules.detectors.layers.contested import contested_parameters
from otel_mldebug.rules.detectors.layers.crawling import crawling_layers
from otel_mldebug.rules.detectors.layers.dead import dead_units
from otel_mldebug.rules.detectors.layers.halted import halted_layers
from otel_mldebug.rules.detectors.layers.holding import (
    cut_graph,
    forgotten_parameters,
    frozen_parameters,
    frozen_to_the_end,
    replaced_parameters,
)
from otel_mldebug.rules.detectors.layers.initial import constant_weights, scale_of_weights
from otel_mldebug.rules.detectors.layers.loose import unregistered_tensors
from otel_mldebug.rules.detectors.layers.overdone import replaced_part
from otel_mldebug.rules.detectors.layers.parts import loss_left_out
from otel_mldebug.rules.detectors.layers.precision import (
    collapsed_scale,
    nonfinite_weights,
    rounded_updates,
)
from otel_mldebug.rules.detectors.layers.profile import exploding_profile, vanished_gradients, vanishing_profile
from otel_mldebug.rules.detectors.layers.proportions import immovable_weights, restless_weights
from otel_mldebug.rules.detectors.layers.recurrence import exploding_recurrence, forgetful_recurrence
from otel_mldebug.rules.detectors.layers.saturated import saturated_units
from otel_mldebug.rules.detectors.layers.slow import damped_updates, hardly_moved
from otel_mldebug.rules.detectors.layers.stale import kept_gradients
from otel_mldebug.rules.detectors.layers.starving import starved_network
from otel_mldebug.rules.detectors.layers.swapped import swapped_layers
from otel_mldebug.rules.detectors.layers.tables import forgotten_tables
from otel_mldebug.rules.detectors.layers.unchanged import (
    cleared_gradients,
    decayed_only,
    lost_updates,
    zero_gradients,
    zero_rate,
)
from otel_mldebug.rules.detectors.layers.underflow import underflow
from otel_mldebug.rules.detectors.layers.unfrozen import unfrozen_parameters
from otel_mldebug.rules.detectors.layers.updates import rate_too_high, rate_too_low
from otel_mldebug.rules.detectors.signature import LookDetector

DETECTORS: tuple[LookDetector, ...] = (
    nonfinite_weights,
    collapsed_scale,
    constant_weights,
    replaced_parameters,
    swapped_layers,
    contested_parameters,
    cleared_gradients,
    zero_rate,
    kept_gradients,
    underflow,
    rounded_updates,
    forgotten_parameters,
    forgotten_tables,
    unfrozen_parameters,
    unregistered_tensors,
    cut_graph,
    frozen_parameters,
    halted_layers,
    scale_of_weights,
    dead_units,
    saturated_units,
    vanishing_profile,
    exploding_profile,
    exploding_recurrence,
    zero_gradients,
    decayed_only,
    vanished_gradients,
    starved_network,
    lost_updates,
    damped_updates,
    rate_too_high,
    replaced_part,
    restless_weights,
    immovable_weights,
    rate_too_low,
    crawling_layers,
)
"""In order of importance: of a family, the first one that fires is the one that is reported."""

LAST_DETECTORS: tuple[LookDetector, ...] = (
    frozen_to_the_end,
    loss_left_out,
    forgetful_recurrence,
    hardly_moved,
    rate_too_high,
)
"""Those that can only judge when training is over."""

FAMILIES: Mapping[str, str] = {
    "parameter.nonfinite": "nonfinite",
    "precision.scale_collapsed": "nonfinite",
    "parameter.replaced": "held",
    "parameter.not_in_optimizer": "held",
    "parameter.detached": "held",
    "parameter.frozen": "held",
    "init.constant": "signal",
    "precision.underflow": "signal",
    "precision.updates_lost": "signal",
    "init.scale": "signal",
    "activation.dead": "signal",
    "activation.saturated": "signal",
    "gradient.vanishing": "signal",
    "gradient.exploding": "signal",
    "gradient.zero": "signal",
    "gradient.cleared": "held",
    "gradient.vanished": "signal",
    "gradient.starved": "signal",
    "parameter.never_changes": "rate",
    "learning_rate.zero": "learning_rate.collapsed",
    "learning_rate.too_high": "rate",
    "learning_rate.too_high_in_group": "rate",
    "learning_rate.too_low": "signal",
    "learning_rate.too_low_in_group": "signal",
    "optimizer.epsilon": "signal",
}
"""What a rule is one symptom of, by rule; those that are left out are a family of their own."""
