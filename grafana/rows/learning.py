"""One run from close by: its pace, what it learns, and how it does on data that it does not train on."""

from grafana.panels import Panel, Query, unit
from grafana.promql import WHO, latest, legend, quantile, rate, ratio
from otel_mldebug.semconv import names

OPTIMIZER = [*WHO, names.MLDEBUG_TRAIN_OPTIMIZER]

PACE = (
    Panel(
        title="Samples per second by rank",
        about="What counts for the time a run takes. Falling with the same step time: batches are getting smaller.",
        unit=unit(names.MLDEBUG_TRAIN_SAMPLES, rate=True),
        queries=[Query(rate(names.MLDEBUG_TRAIN_SAMPLES, WHO), legend(*WHO))],
    ),
    Panel(
        title="Waiting for data by rank",
        about="Share of the time. Above a tenth: more workers, a faster store, less work for each sample.",
        unit="percentunit",
        limits=(0.1, 0.3),
        queries=[
            Query(
                rate(names.MLDEBUG_TRAIN_PHASE_TIME, WHO, {names.MLDEBUG_TRAIN_PHASE: f"={names.Phase.DATA}"}),
                legend(*WHO),
            )
        ],
    ),
    Panel(
        title="Model FLOP utilisation",
        about="Share of the GPU's peak that the model itself needs. Where neither data nor ranks wait: small kernels.",
        unit=unit(names.MLDEBUG_TRAIN_MFU),
        top=1,
        queries=[Query(latest(names.MLDEBUG_TRAIN_MFU, OPTIMIZER), legend(*OPTIMIZER))],
    ),
)

LEARNING = (
    Panel(
        title="Training loss by optimizer",
        about="Objective of the latest finite step. Read it together with the learning rate below.",
        unit=unit(names.MLDEBUG_TRAIN_LOSS),
        width=12,
        bottom=None,
        queries=[Query(latest(names.MLDEBUG_TRAIN_LOSS, OPTIMIZER), legend(*OPTIMIZER))],
    ),
    Panel(
        title="Learning rate",
        about="Of the first parameter group. At zero with a loss that is still high: the schedule has run out.",
        unit=unit(names.MLDEBUG_TRAIN_LEARNING_RATE),
        width=12,
        queries=[Query(latest(names.MLDEBUG_TRAIN_LEARNING_RATE, OPTIMIZER), legend(*OPTIMIZER))],
    ),
    Panel(
        title="Gradient scaler",
        about="Halved again and again: every step overflows. Doubling without end: gradients underflow all the same.",
        unit="short",
        queries=[Query(latest(names.MLDEBUG_TRAIN_SCALE, OPTIMIZER), legend(*OPTIMIZER))],
    ),
    Panel(
        title="Non-finite steps per second",
        about="Steps whose loss or gradient norm was NaN or infinite. With a scaler a few are meant to be.",
        unit=unit(names.MLDEBUG_TRAIN_NONFINITE, rate=True),
        queries=[Query(rate(names.MLDEBUG_TRAIN_NONFINITE, WHO), legend(*WHO))],
    ),
    Panel(
        title="Tracked values",
        about="What the program tracks itself, such as the terms of its loss. One that dwarfs the rest decides alone.",
        unit=unit(names.MLDEBUG_TRACK_VALUE),
        bottom=None,
        queries=[
            Query(
                latest(names.MLDEBUG_TRACK_VALUE, [*WHO, names.MLDEBUG_TRACK_NAME]),
                legend(*WHO, names.MLDEBUG_TRACK_NAME),
            )
        ],
    ),
)

EVALUATION = (
    Panel(
        title="Evaluation loss against training loss",
        about="Evaluation rises while training falls: it learns by heart. Stop, or add data or regularisation.",
        unit=unit(names.MLDEBUG_TRAIN_EVALUATION_LOSS),
        bottom=None,
        queries=[
            Query(latest(names.MLDEBUG_TRAIN_EVALUATION_LOSS, WHO), legend(*WHO, text="evaluation")),
            Query(latest(names.MLDEBUG_TRAIN_LOSS, WHO), legend(*WHO, text="training")),
        ],
    ),
    Panel(
        title="Time of one evaluation pass",
        about="Mean over the passes. Longer than an epoch of training: evaluate less often, or on a part.",
        unit=unit(names.MLDEBUG_TRAIN_EVALUATION_TIME),
        queries=[Query(ratio(names.MLDEBUG_TRAIN_EVALUATION_TIME, names.MLDEBUG_TRAIN_EVALUATIONS, WHO), legend(*WHO))],
    ),
    Panel(
        title="Inference latency of watched models, p50 and p95",
        about="Calls outside of training of models given to watch().",
        unit=unit(names.MLDEBUG_INFERENCE_DURATION),
        queries=[
            Query(
                quantile(q, names.MLDEBUG_INFERENCE_DURATION, [names.MLDEBUG_MODEL]),
                legend(names.MLDEBUG_MODEL, text=name),
            )
            for q, name in ((0.5, "p50"), (0.95, "p95"))
        ],
    ),
)
