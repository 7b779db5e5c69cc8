"""Watched functions: how often, how slow, how many raise."""

from grafana.panels import Panel, Query, unit
from grafana.promql import fresh, legend, quantile, rate
from otel_mldebug.semconv import names

FUNCTIONS = (
    Panel(
        title="Calls per second, busiest functions",
        about="Watched functions; every call counts, sampled or not.",
        unit=unit(names.MLDEBUG_FUNCTION_CALLS, rate=True),
        queries=[
            Query(
                f"topk(10, {rate(names.MLDEBUG_FUNCTION_CALLS, [names.CODE_FUNCTION_NAME])})",
                legend(names.CODE_FUNCTION_NAME),
            )
        ],
    ),
    Panel(
        title="Share of calls that raise",
        about="By function. The exception's type and explanation: `otel-mldebug errors`.",
        unit="percentunit",
        top=1,
        queries=[
            Query(
                f"{fresh(names.MLDEBUG_FUNCTION_ERRORS, [names.CODE_FUNCTION_NAME])}"
                f" / ({fresh(names.MLDEBUG_FUNCTION_CALLS, [names.CODE_FUNCTION_NAME])} > 0)",
                legend(names.CODE_FUNCTION_NAME),
            )
        ],
    ),
    Panel(
        title="Duration, slowest functions",
        about="The mean is of all calls; p95 is of those that the budget paid to time one by one.",
        unit=unit(names.MLDEBUG_FUNCTION_DURATION),
        queries=[
            Query(
                f"topk(10, {quantile(0.95, names.MLDEBUG_FUNCTION_DURATION, [names.CODE_FUNCTION_NAME])})",
                legend(names.CODE_FUNCTION_NAME, text="p95"),
            ),
            Query(
                f"topk(10, {rate(names.MLDEBUG_FUNCTION_TIME, [names.CODE_FUNCTION_NAME])}"
                f" / ({rate(names.MLDEBUG_FUNCTION_CALLS, [names.CODE_FUNCTION_NAME])} > 0))",
                legend(names.CODE_FUNCTION_NAME, text="mean"),
            ),
        ],
    ),
)
