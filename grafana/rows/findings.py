"""What was found: the summary on top, and the findings by kind and by rule."""

from grafana.panels import Panel, Query, unit
from grafana.promql import fresh, latest, legend, quantile, rate, total
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Severity

BAD = {names.MLDEBUG_FINDING_SEVERITY: f"=~{Severity.ERROR}|{Severity.CRITICAL}"}
GPU = (names.HW_NAME, names.HW_ID)

SUMMARY = (
    Panel(
        title="Errors found",
        about="Findings of severity error and critical in the time shown, all occurrences.",
        unit="short",
        kind="stat",
        width=4,
        height=4,
        limits=(1, 10),
        queries=[Query(total(names.MLDEBUG_FINDINGS, where=BAD), "findings")],
    ),
    Panel(
        title="Steps per second",
        about="Training steps of all processes. Zero while a process is up: it hangs, evaluates or saves.",
        unit=unit(names.MLDEBUG_TRAIN_STEPS, rate=True),
        kind="stat",
        width=4,
        height=4,
        queries=[Query(rate(names.MLDEBUG_TRAIN_STEPS), "steps")],
    ),
    Panel(
        title="Step time, p95",
        about="19 of 20 training steps were faster than this, waiting for data included.",
        unit=unit(names.MLDEBUG_TRAIN_STEP_DURATION),
        kind="stat",
        width=4,
        height=4,
        queries=[Query(quantile(0.95, names.MLDEBUG_TRAIN_STEP_DURATION), "p95")],
    ),
    Panel(
        title="Loss",
        about="Objective of the latest finite step, the mean over ranks. A NaN is not shown here: it is a finding.",
        unit=unit(names.MLDEBUG_TRAIN_LOSS),
        bottom=None,
        kind="stat",
        width=4,
        height=4,
        queries=[Query(latest(names.MLDEBUG_TRAIN_LOSS, how="avg"), "loss")],
    ),
    Panel(
        title="GPU busy",
        about="Mean share of time in which the GPUs were busy. Low while training: see where the step time goes.",
        unit=unit(names.HW_GPU_UTILIZATION),
        kind="stat",
        width=4,
        height=4,
        queries=[Query(latest(names.HW_GPU_UTILIZATION, how="avg"), "busy")],
    ),
    Panel(
        title="Cost of watching",
        about="Share of the watched code's time that otel-mldebug takes, the dearest process.",
        unit=unit(names.MLDEBUG_SELF_COST),
        kind="stat",
        width=4,
        height=4,
        limits=(0.03, 0.1),
        queries=[Query(latest(names.MLDEBUG_SELF_COST), "cost")],
    ),
)

COLORS: dict[str, str] = {
    Severity.DEBUG: "gray",
    Severity.INFO: "blue",
    Severity.WARNING: "yellow",
    Severity.ERROR: "orange",
    Severity.CRITICAL: "red",
}

FINDINGS = (
    Panel(
        title="New findings by severity",
        colors=COLORS,
        about="What was found when, every occurrence counted. error: needs a change; critical: the job stops.",
        unit=unit(names.MLDEBUG_FINDINGS),
        kind="bars",
        queries=[
            Query(
                fresh(names.MLDEBUG_FINDINGS, [names.MLDEBUG_FINDING_SEVERITY]), legend(names.MLDEBUG_FINDING_SEVERITY)
            )
        ],
    ),
    Panel(
        title="New findings by category",
        about="The same by kind of trouble. `otel-mldebug errors` shows each with its cause and what to try.",
        unit=unit(names.MLDEBUG_FINDINGS),
        kind="bars",
        queries=[
            Query(
                fresh(names.MLDEBUG_FINDINGS, [names.MLDEBUG_FINDING_CATEGORY]), legend(names.MLDEBUG_FINDING_CATEGORY)
            )
        ],
    ),
    Panel(
        title="Findings by rule",
        about="Totals in the time shown, processes that have ended included. docs/reference says what each rule means.",
        unit=unit(names.MLDEBUG_FINDINGS),
        kind="ranking",
        queries=[
            Query(
                total(names.MLDEBUG_FINDINGS, [names.MLDEBUG_FINDING_RULE, names.MLDEBUG_FINDING_SEVERITY]),
                legend(names.MLDEBUG_FINDING_RULE, names.MLDEBUG_FINDING_SEVERITY),
            )
        ],
    ),
)
