"""otel-mldebug itself: what it costs, loses and gets wrong."""

from grafana.panels import Panel, Query, unit
from grafana.promql import WHO, fresh, latest, legend, rate
from otel_mldebug.semconv import names

PIPELINE = (
    Panel(
        title="Cost of watching by rank",
        about="Share of the watched code's time. Above the budget for long: report it, and lower OTEL_MLDEBUG_BUDGET.",
        unit=unit(names.MLDEBUG_SELF_COST),
        queries=[Query(latest(names.MLDEBUG_SELF_COST, WHO), legend(*WHO))],
    ),
    Panel(
        title="Given up, by signal",
        about="Items that were recorded and lost: a full queue, a store at its size limit, an exporter that failed.",
        unit=unit(names.MLDEBUG_SELF_DROPPED),
        kind="bars",
        queries=[
            Query(fresh(names.MLDEBUG_SELF_DROPPED, [names.MLDEBUG_SELF_SIGNAL]), legend(names.MLDEBUG_SELF_SIGNAL)),
        ],
    ),
    Panel(
        title="Our own faults",
        about="What failed inside otel-mldebug; the program went on without it. Each is a bug: please report it.",
        unit=unit(names.MLDEBUG_SELF_FAULTS),
        kind="bars",
        queries=[Query(fresh(names.MLDEBUG_SELF_FAULTS, [names.MLDEBUG_SELF_DOING]), legend(names.MLDEBUG_SELF_DOING))],
    ),
    Panel(
        title="Findings held back",
        about="Counted and not sent one by one, because their group came too often. The counts are complete.",
        unit=unit(names.MLDEBUG_SELF_SUPPRESSED),
        kind="bars",
        queries=[Query(fresh(names.MLDEBUG_SELF_SUPPRESSED), "held back")],
    ),
    Panel(
        title="Secrets replaced",
        about="Replaced before something left the process. A jump says that something prints what it should not.",
        unit=unit(names.MLDEBUG_SELF_REDACTIONS),
        kind="bars",
        queries=[Query(fresh(names.MLDEBUG_SELF_REDACTIONS), "replaced")],
    ),
    Panel(
        title="Processor time of ours",
        about="Share of one processor that otel-mldebug takes in each process, as far as it measures itself.",
        unit=unit(names.MLDEBUG_SELF_TIME, rate=True),
        queries=[Query(rate(names.MLDEBUG_SELF_TIME, WHO), legend(*WHO))],
    ),
    Panel(
        title="Local store",
        about="Size of what each process has on disk. OTEL_MLDEBUG_STORE_MAX_MB bounds a run.",
        unit=unit(names.MLDEBUG_SELF_STORE_SIZE),
        queries=[Query(latest(names.MLDEBUG_SELF_STORE_SIZE, WHO, how="sum"), legend(*WHO))],
    ),
)
