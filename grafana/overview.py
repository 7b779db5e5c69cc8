"""The Overview dashboard: what a person on call looks at first."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from grafana.panels import COLUMNS, DATASOURCE, Panel, render
from grafana.promql import fresh, legend
from grafana.rows.findings import FINDINGS, SUMMARY
from grafana.rows.functions import FUNCTIONS
from grafana.rows.pipeline import PIPELINE
from grafana.rows.resources import GPUS, HOST
from grafana.rows.training import TRAINING
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Severity
from otel_mldebug.semconv.prometheus import label_name

ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    ("", SUMMARY),
    ("Findings", FINDINGS),
    ("Training", TRAINING),
    ("Functions", FUNCTIONS),
    ("Host and processes", HOST),
    ("GPU", GPUS),
    ("The pipeline itself", PIPELINE),
)
"""Title of each row (the first has none: it is always in sight) and its panels in reading order."""

CRITICAL = {names.MLDEBUG_FINDING_SEVERITY: f"={Severity.CRITICAL}"}
ANNOTATION = f"{fresh(names.MLDEBUG_FINDINGS, [names.MLDEBUG_FINDING_RULE], CRITICAL)} > 0"
"""Critical findings, as vertical lines through all charts."""

CLASSIC_QUERY = 5
"""How Grafana's Prometheus data source marks a variable's query that is written as text."""

_SERVICE, _RUN, _RANK = map(label_name, (names.SERVICE_NAME, names.MLDEBUG_RUN_ID, names.MLDEBUG_RANK))
VARIABLES = (
    ("service", "Service", f'label_values({{{_RUN}!=""}}, {_SERVICE})'),
    ("run", "Run", f'label_values({{{_RUN}!="", {_SERVICE}=~"$service"}}, {_RUN})'),
    ("rank", "Rank", f'label_values({{{_RUN}!="", {_SERVICE}=~"$service", {_RUN}=~"$run"}}, {_RANK})'),
)
"""Name, label and query of the variables besides the data source. Each narrows those after it."""


def overview() -> str:
    """Return the dashboard as JSON."""
    builder = (
        dashboard.Dashboard("otel-mldebug / Overview")
        .uid("mldebug-overview")
        .description(
            "What went wrong, how training goes, and what the machines do. Generated from grafana/overview.py."
        )
        .tags(["otel-mldebug", "generated"])
        .time("now-1h", "now")
        .refresh("10s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .annotation(_critical_findings())
    )
    for name, label, query in VARIABLES:
        builder = builder.with_variable(_variable(name, label, query))
    number, y = 0, 0
    for title, panels in ROWS:
        if title:
            number += 1
            row = dashboard.Row(title).id(number).grid_pos(models.GridPos(x=0, y=y, w=COLUMNS, h=1))
            builder = builder.with_row(row)
            y += 1
        x = 0
        for panel in panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + panel.height
            number += 1
            builder = builder.with_panel(render(panel, number=number, x=x, y=y))
            x += panel.width
        y += panels[-1].height
    return f"{JSONEncoder(sort_keys=True, indent=2).encode(builder.build())}\n"


def _variable(name: str, label: str, query: str) -> Any:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"qryType": CLASSIC_QUERY, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .definition(query)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )


def _critical_findings() -> Any:
    return (
        dashboard.AnnotationQuery()
        .name("Critical findings")
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color("red")
        .expr(ANNOTATION)
        .step("15s")
        .title_format(legend(names.MLDEBUG_FINDING_RULE))
    )
