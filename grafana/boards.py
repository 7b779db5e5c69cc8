"""A dashboard as a plain value, and its rendering: what all of them have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from grafana.panels import COLUMNS, DATASOURCE, Panel, render
from grafana.promql import fresh, legend
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Severity
from otel_mldebug.semconv.prometheus import label_name

TAG = "otel-mldebug"
"""All our dashboards carry it; each links to the others by it."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """One dashboard.

    Attributes:
        name: What comes behind the product's name in the title; in lower case it ends the uid.
        about: What it shows, in one sentence.
        rows: Title of each row (an empty one has no heading: it is always in sight) and its panels in reading order.
    """

    name: str
    about: str
    rows: Sequence[tuple[str, Sequence[Panel]]]


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


def rendered(board: Board) -> str:
    """Return the dashboard as JSON."""
    builder = (
        dashboard.Dashboard(f"otel-mldebug / {board.name}")
        .uid(f"mldebug-{board.name.lower()}")
        .description(f"{board.about} Generated from grafana/{board.name.lower()}.py.")
        .tags([TAG, "generated"])
        .link(_others())
        .time("now-1h", "now")
        .refresh("10s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .annotation(_critical_findings())
    )
    for name, label, query in VARIABLES:
        builder = builder.with_variable(_variable(name, label, query))
    number, y = 0, 0
    for title, panels in board.rows:
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


def _others() -> Any:
    return (
        dashboard.DashboardLink("otel-mldebug")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)
        .include_vars(True)
    )


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
