"""Training: how fast, what takes the time, and whether the model learns."""

from grafana.panels import Panel, Query, unit
from grafana.promql import WHO, latest, legend, quantile, rate, share
from otel_mldebug.semconv import names

TRAINING = (
    Panel(
        title="Step time, p50 and p95",
        about="Wall time of a step over all ranks. p95 leaves p50: stalls. Both rise: everything slows down.",
        unit=unit(names.MLDEBUG_TRAIN_STEP_DURATION),
        queries=[
            Query(quantile(0.5, names.MLDEBUG_TRAIN_STEP_DURATION), "p50"),
            Query(quantile(0.95, names.MLDEBUG_TRAIN_STEP_DURATION), "p95"),
        ],
    ),
    Panel(
        title="Step time p95 by rank",
        about="The rank that stands above the others is the straggler that all wait for.",
        unit=unit(names.MLDEBUG_TRAIN_STEP_DURATION),
        queries=[Query(quantile(0.95, names.MLDEBUG_TRAIN_STEP_DURATION, WHO), legend(*WHO))],
    ),
    Panel(
        title="Steps per second by rank",
        about="A rank that falls to zero while the others wait has stopped or hangs.",
        unit=unit(names.MLDEBUG_TRAIN_STEPS, rate=True),
        queries=[Query(rate(names.MLDEBUG_TRAIN_STEPS, WHO), legend(*WHO))],
    ),
    Panel(
        title="Where the time goes",
        about="Share of each phase. Much data: more workers, a faster store. Much other: saving, evaluating, logging.",
        unit="percentunit",
        kind="shares",
        top=1,
        queries=[
            Query(
                share(names.MLDEBUG_TRAIN_PHASE_TIME, [], of=names.MLDEBUG_TRAIN_PHASE),
                legend(names.MLDEBUG_TRAIN_PHASE),
            )
        ],
    ),
    Panel(
        title="Loss by rank",
        about="Objective of the latest finite step. Flat from the start: nothing learns. Rising: it diverges.",
        unit=unit(names.MLDEBUG_TRAIN_LOSS),
        bottom=None,
        queries=[
            Query(
                latest(names.MLDEBUG_TRAIN_LOSS, [*WHO, names.MLDEBUG_TRAIN_OPTIMIZER]),
                legend(*WHO, names.MLDEBUG_TRAIN_OPTIMIZER),
            )
        ],
    ),
    Panel(
        title="Gradient norm by rank",
        about="Over all parameters, where it was taken. Far up: about to diverge. Near zero: vanishing.",
        unit=unit(names.MLDEBUG_TRAIN_GRADIENT_NORM),
        queries=[
            Query(
                latest(names.MLDEBUG_TRAIN_GRADIENT_NORM, [*WHO, names.MLDEBUG_TRAIN_OPTIMIZER]),
                legend(*WHO, names.MLDEBUG_TRAIN_OPTIMIZER),
            )
        ],
    ),
)
