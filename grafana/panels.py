"""A panel as a plain value, and its rendering through Grafana's foundation SDK, which only generating needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from otel_mldebug.semconv.metric import Metric

COLUMNS = 24
DATASOURCE = common_models.DataSourceRef(type_val="prometheus", uid="${datasource}")

Kind = Literal["lines", "bars", "shares", "stat", "ranking"]


@dataclass(frozen=True)
class Query:
    """One query of a panel and the name of its lines."""

    expr: str
    legend: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        title: What a person reads first.
        about: What the lines are, and what to do when they look wrong.
        unit: Grafana's id of the unit of the values; see `unit`.
        queries: At least one.
        kind: Lines; stacked bars of counts; lines stacked to 100 %; one number; a ranking of the largest.
        width: Columns of the 24 that a dashboard has.
        height: Rows of 30 pixels.
        limits: Values from which on it is orange and red; None for none.
        top: The axis' upper end where it is known, such as 1 for a share.
        bottom: Its lower end; None where values can be negative.
        colors: Fixed colours by the name of a line, for names that mean something.
    """

    title: str
    about: str
    unit: str
    queries: Sequence[Query]
    kind: Kind = "lines"
    width: int = 8
    height: int = 7
    limits: tuple[float, float] | None = None
    top: float | None = None
    bottom: float | None = 0
    colors: Mapping[str, str] = field(default_factory=dict)


_VALUE = {"s": "s", "By": "bytes", "1": "percentunit", "W": "watt", "Cel": "celsius", "J": "joule"}
_RATE = {"s": "percentunit", "By": "Bps", "J": "watt"}


def unit(metric: Metric, *, rate: bool = False) -> str:
    """Return Grafana's id for the unit of `metric`, or of what it gains a second. Counted things have no unit."""
    if rate:
        return _RATE.get(metric.unit, "suffix:/s")
    return _VALUE.get(metric.unit, "short")


def render(panel: Panel, *, number: int, x: int, y: int) -> Any:
    """Return the SDK's builder for `panel` with id `number`, its upper left corner at column `x` and row `y`."""
    builder = _BUILDERS[panel.kind](panel)
    builder = (
        builder.id(number)
        .title(panel.title)
        .description(panel.about)
        .datasource(DATASOURCE)
        .grid_pos(models.GridPos(x=x, y=y, w=panel.width, h=panel.height))
        .unit(panel.unit)
        .no_value("none")
        .thresholds(_thresholds(panel.limits))
    )
    if panel.bottom is not None:
        builder = builder.min(panel.bottom)
    if panel.top is not None:
        builder = builder.max(panel.top)
    for name, color in panel.colors.items():
        value = {"mode": "fixed", "fixedColor": color}
        builder = builder.override_by_name(name, [models.DynamicConfigValue(id_val="color", value=value)])
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        builder = builder.with_target(_target(query, letter, instant=panel.kind == "ranking"))
    return builder


def _target(query: Query, letter: str, *, instant: bool) -> Any:
    target = (
        prometheus.Dataquery()
        .ref_id(letter)
        .expr(query.expr)
        .legend_format(query.legend)
        .format(PromQueryFormat.TIME_SERIES)
    )
    return target.instant() if instant else target.range()


def _lines(panel: Panel) -> Any:
    builder = (
        timeseries.Panel()
        .fill_opacity(8)
        .line_width(1)
        .show_points(common_models.VisibilityMode.AUTO)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(common_models.LegendDisplayMode.LIST)
            .placement(common_models.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
    )
    if panel.kind == "bars":
        builder = builder.draw_style(common_models.GraphDrawStyle.BARS).fill_opacity(80).decimals(0)
    if panel.kind in ("bars", "shares"):
        builder = builder.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
    if panel.kind == "shares":
        builder = builder.fill_opacity(60)
    if panel.limits and panel.kind == "lines":
        builder = builder.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        )
    return builder


def _stat(panel: Panel) -> Any:
    del panel
    return (
        stat.Panel()
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.AREA)
        .text_mode(common_models.BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _ranking(panel: Panel) -> Any:
    del panel
    return (
        bargauge.Panel()
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .decimals(0)
    )


_BUILDERS: dict[str, Any] = {
    "lines": _lines,
    "bars": _lines,
    "shares": _lines,
    "stat": _stat,
    "ranking": _ranking,
}


def _thresholds(limits: tuple[float, float] | None) -> Any:
    steps = [models.Threshold(value=None, color="green")]
    if limits:
        steps += [models.Threshold(value=v, color=c) for v, c in zip(limits, ("orange", "red"), strict=True)]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
