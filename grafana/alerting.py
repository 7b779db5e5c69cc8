"""Recording and alert rules for Prometheus, built from the registry as the dashboards are."""

from dataclasses import dataclass
from typing import Any

import yaml

from grafana.promql import IDENTITY, fresh, latest, quantile, rate, share
from otel_mldebug.semconv import names
from otel_mldebug.semconv.metric import Metric
from otel_mldebug.semconv.names import Phase, Severity
from otel_mldebug.semconv.prometheus import label_name, prometheus_name

HEADER = "# Generated from grafana/alerting.py by `python -m grafana.build`: do not edit.\n"
ALL: dict[str, str] = {}
"""No narrowing: rules watch everything that Prometheus has."""

_LEVEL = "service_run_rank"  # what the recorded series are summed to: Prometheus' level:metric:operations
_SERVICE, _RUN, _RANK = map(label_name, IDENTITY)
_PROCESS = f"{{{{ $labels.{_SERVICE} }}}} run {{{{ $labels.{_RUN} }}}} rank {{{{ $labels.{_RANK} }}}}"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert rule.

    Attributes:
        name: Its name in Prometheus.
        expr: True (not empty) while something is wrong.
        lasting: How long it must be so, as a Prometheus duration.
        severity: `page` wakes somebody, `ticket` waits for the morning.
        summary: One line with the labels' values, as a Prometheus template.
        todo: What to do.
    """

    name: str
    expr: str
    lasting: str
    severity: str
    summary: str
    todo: str


def recorded(metric: Metric, operation: str) -> str:
    """Return the name of the series that `recording` makes of `metric`."""
    return f"{_LEVEL}:{prometheus_name(metric)}:{operation}"


STEP_P50 = recorded(names.MLDEBUG_TRAIN_STEP_DURATION, "p50_5m")
STEP_P95 = recorded(names.MLDEBUG_TRAIN_STEP_DURATION, "p95_5m")
STEP_RATE = recorded(names.MLDEBUG_TRAIN_STEPS, "rate5m")
PHASE_SHARE = recorded(names.MLDEBUG_TRAIN_PHASE_TIME, "share_5m")

RECORDED: tuple[tuple[str, str], ...] = (
    (STEP_P50, quantile(0.5, names.MLDEBUG_TRAIN_STEP_DURATION, IDENTITY, window="5m", scope=ALL)),
    (STEP_P95, quantile(0.95, names.MLDEBUG_TRAIN_STEP_DURATION, IDENTITY, window="5m", scope=ALL)),
    (STEP_RATE, rate(names.MLDEBUG_TRAIN_STEPS, IDENTITY, window="5m", scope=ALL)),
    (PHASE_SHARE, share(names.MLDEBUG_TRAIN_PHASE_TIME, IDENTITY, names.MLDEBUG_TRAIN_PHASE, window="5m", scope=ALL)),
)
"""Name and expression of each recorded series: what alerts ask again and again, and what long time ranges need."""

_DATA = f'{PHASE_SHARE}{{{label_name(names.MLDEBUG_TRAIN_PHASE)}="{Phase.DATA}"}}'
_MOUNT, _SIGNAL, _DOING, _RULE, _HW_ID, _HW_NAME = map(
    label_name,
    (
        names.SYSTEM_FILESYSTEM_MOUNTPOINT,
        names.MLDEBUG_SELF_SIGNAL,
        names.MLDEBUG_SELF_DOING,
        names.MLDEBUG_FINDING_RULE,
        names.HW_ID,
        names.HW_NAME,
    ),
)
_GPU = f"GPU {{{{ $labels.{_HW_NAME} }}}} {{{{ $labels.{_HW_ID} }}}}"
_USED = {names.SYSTEM_MEMORY_STATE: "=used"}

ALERTS: tuple[Alert, ...] = (
    Alert(
        name="MLDebugCriticalFinding",
        expr=fresh(
            names.MLDEBUG_FINDINGS,
            [*IDENTITY, names.MLDEBUG_FINDING_RULE],
            {names.MLDEBUG_FINDING_SEVERITY: f"={Severity.CRITICAL}"},
            window="5m",
            scope=ALL,
        )
        + " > 0",
        lasting="0s",
        severity="page",
        summary=f"{{{{ $labels.{_RULE} }}}} in {_PROCESS}",
        todo="The job has stopped or is about to. `otel-mldebug errors --run ID` says why and what to try.",
    ),
    Alert(
        name="MLDebugErrorsKeepComing",
        expr=fresh(
            names.MLDEBUG_FINDINGS,
            [*IDENTITY, names.MLDEBUG_FINDING_RULE],
            {names.MLDEBUG_FINDING_SEVERITY: f"={Severity.ERROR}"},
            window="10m",
            scope=ALL,
        )
        + " > 10",
        lasting="0s",
        severity="ticket",
        summary=f"{{{{ $labels.{_RULE} }}}} {{{{ $value }}}} times in 10 minutes in {_PROCESS}",
        todo="Something catches the exception and goes on. Look at the finding's cause before trusting the results.",
    ),
    Alert(
        name="MLDebugTrainingStalled",
        expr=f"{STEP_RATE} == 0 and max_over_time({STEP_RATE}[1h]) > 0",
        lasting="10m",
        severity="page",
        summary=f"No training step for 15 minutes in {_PROCESS}",
        todo="A hang, a dead rank that the others wait for, or a long evaluation. Dump the stacks of the process.",
    ),
    Alert(
        name="MLDebugStepsSlower",
        expr=f"{STEP_P50} > 2 * (avg_over_time({STEP_P50}[1h] offset 10m) > 0)",
        lasting="10m",
        severity="ticket",
        summary=f"Steps take over twice as long as in the hour before in {_PROCESS}",
        todo="Compare where the time goes now and then in the Overview; look for a throttled GPU or a slow disk.",
    ),
    Alert(
        name="MLDebugNonFiniteSteps",
        expr=fresh(names.MLDEBUG_TRAIN_NONFINITE, IDENTITY, window="5m", scope=ALL) + " > 0",
        lasting="0s",
        severity="page",
        summary=f"{{{{ $value }}}} steps with a NaN or infinite loss or gradient in {_PROCESS}",
        todo="The finding names the first bad layer. Stop, restore the last good checkpoint, lower the learning rate.",
    ),
    Alert(
        name="MLDebugWaitsForData",
        expr=f"{_DATA} > 0.5",
        lasting="15m",
        severity="ticket",
        summary=f"{{{{ $value | humanizePercentage }}}} of the time is spent waiting for data in {_PROCESS}",
        todo="More DataLoader workers, prefetching, a faster store, or a cheaper transformation.",
    ),
    Alert(
        name="MLDebugHostMemoryFull",
        expr=latest(names.SYSTEM_MEMORY_UTILIZATION, [*IDENTITY], _USED, scope=ALL) + " > 0.95",
        lasting="5m",
        severity="page",
        summary=f"{{{{ $value | humanizePercentage }}}} of the host's memory is in use, seen by {_PROCESS}",
        todo="The kernel is about to kill the largest process. Fewer workers, smaller prefetch; look for a leak.",
    ),
    Alert(
        name="MLDebugDiskFull",
        expr=latest(names.SYSTEM_FILESYSTEM_UTILIZATION, [*IDENTITY, names.SYSTEM_FILESYSTEM_MOUNTPOINT], scope=ALL)
        + " > 0.95",
        lasting="5m",
        severity="page",
        summary=f"{{{{ $labels.{_MOUNT} }}}} is {{{{ $value | humanizePercentage }}}} full, seen by {_PROCESS}",
        todo="The next checkpoint will fail, perhaps half written. Remove old ones.",
    ),
    Alert(
        name="MLDebugGpuHot",
        expr=latest(names.HW_TEMPERATURE, [names.HW_ID, names.HW_NAME], scope=ALL) + " > 90",
        lasting="5m",
        severity="ticket",
        summary=_GPU + " has {{ $value }} °C",
        todo="It slows itself down. Check fans, dust and the power limit.",
    ),
    Alert(
        name="MLDebugGpuErrors",
        expr=fresh(names.HW_ERRORS, [names.HW_ID, names.HW_NAME], window="1h", scope=ALL) + " > 0",
        lasting="0s",
        severity="ticket",
        summary=_GPU + " has {{ $value }} new memory errors",
        todo="Results may be wrong. Take the GPU out, reset it, and replace it if they come again.",
    ),
    Alert(
        name="MLDebugTelemetryLost",
        expr=fresh(names.MLDEBUG_SELF_DROPPED, [*IDENTITY, names.MLDEBUG_SELF_SIGNAL], window="10m", scope=ALL)
        + " > 0",
        lasting="0s",
        severity="ticket",
        summary=f"{{{{ $value }}}} {{{{ $labels.{_SIGNAL} }}}} lost in {_PROCESS}",
        todo="The collector is away or too slow, or the store is at its limit. `otel-mldebug doctor` tells which.",
    ),
    Alert(
        name="MLDebugFaults",
        expr=fresh(names.MLDEBUG_SELF_FAULTS, [*IDENTITY, names.MLDEBUG_SELF_DOING], window="10m", scope=ALL) + " > 0",
        lasting="0s",
        severity="ticket",
        summary=f"otel-mldebug failed to {{{{ $labels.{_DOING} }}}} in {_PROCESS}",
        todo="A bug of ours; the program is not touched. Please report it with the log.",
    ),
    Alert(
        name="MLDebugCostsTooMuch",
        expr=latest(names.MLDEBUG_SELF_COST, IDENTITY, scope=ALL) + " > 0.05",
        lasting="15m",
        severity="ticket",
        summary=f"Watching takes {{{{ $value | humanizePercentage }}}} of the time in {_PROCESS}",
        todo="Lower OTEL_MLDEBUG_BUDGET, or switch features off; please report what was watched.",
    ),
)


def recording() -> str:
    """Return the file of recording rules."""
    rules = [{"record": name, "expr": expr} for name, expr in RECORDED]
    return _dump({"groups": [{"name": "mldebug-recording", "interval": "15s", "rules": rules}]})


def alerts() -> str:
    """Return the file of alert rules."""
    rules = [
        {
            "alert": alert.name,
            "expr": alert.expr,
            "for": alert.lasting,
            "labels": {"severity": alert.severity},
            "annotations": {"summary": alert.summary, "description": alert.todo},
        }
        for alert in ALERTS
    ]
    return _dump({"groups": [{"name": "mldebug-alerts", "interval": "15s", "rules": rules}]})


def _dump(document: dict[str, Any]) -> str:
    return HEADER + yaml.safe_dump(document, sort_keys=False, width=1000, allow_unicode=True)
