"""Layers: what the latest look into a step said of each, and which stands out."""

from grafana.panels import Panel, Query, unit
from grafana.promql import bottom, latest, legend, top
from otel_mldebug.semconv import names

BY = [names.MLDEBUG_TRAIN_LAYER]
MOST = 12
"""Lines in a chart: those that stand out most."""

LAYERS = (
    Panel(
        title="Largest gradients by layer",
        about="Norms at the latest look. One line far above all others: that layer explodes first.",
        unit=unit(names.MLDEBUG_TRAIN_LAYER_GRADIENT_NORM),
        width=12,
        queries=[Query(top(MOST, latest(names.MLDEBUG_TRAIN_LAYER_GRADIENT_NORM, BY)), legend(*BY))],
    ),
    Panel(
        title="Smallest gradients by layer",
        about="Norms at the latest look. Zero: nothing reaches the layer. Smaller with every layer down: vanishing.",
        unit=unit(names.MLDEBUG_TRAIN_LAYER_GRADIENT_NORM),
        width=12,
        queries=[Query(bottom(MOST, latest(names.MLDEBUG_TRAIN_LAYER_GRADIENT_NORM, BY, how="min")), legend(*BY))],
    ),
    Panel(
        title="Update ratio by layer",
        about="What a step changes over what is there. About 0.001 is usual; 0.1 tears weights apart, 0 is frozen.",
        unit=unit(names.MLDEBUG_TRAIN_LAYER_UPDATE_RATIO),
        queries=[Query(top(MOST, latest(names.MLDEBUG_TRAIN_LAYER_UPDATE_RATIO, BY)), legend(*BY))],
    ),
    Panel(
        title="Weight norm by layer",
        about="Growing without end: too little weight decay, or too high a rate. Shrinking to zero: too much decay.",
        unit=unit(names.MLDEBUG_TRAIN_LAYER_WEIGHT_NORM),
        queries=[Query(top(MOST, latest(names.MLDEBUG_TRAIN_LAYER_WEIGHT_NORM, BY)), legend(*BY))],
    ),
    Panel(
        title="Dead units by layer",
        about="Share of units that are zero for the whole batch. Above a half and rising: the rate was too high.",
        unit=unit(names.MLDEBUG_TRAIN_LAYER_DEAD),
        top=1,
        limits=(0.5, 0.9),
        queries=[Query(top(MOST, latest(names.MLDEBUG_TRAIN_LAYER_DEAD, BY)), legend(*BY))],
    ),
)
