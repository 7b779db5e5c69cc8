"""The report on a run as one JSON document. Pure, but for reading the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from otel_mldebug._version import __version__
from otel_mldebug.report.recommendations import recommend
from otel_mldebug.store.analysis import analysed
from otel_mldebug.store.curve import Curve
from otel_mldebug.store.looks import layer_curves, looks
from otel_mldebug.store.otlp_values import number
from otel_mldebug.store.queries import Store
from otel_mldebug.store.roots import root
from otel_mldebug.store.times import rfc3339
from otel_mldebug.store.training import Training

VERSION = 1
"""Version of the document: keys are added, and neither removed nor given another meaning within one."""
_ABOUT = ("command", "directory", "python")


def report(store: Store, run_id: str | None = None) -> dict[str, Any]:
    """Return the report on a run: what it was, what was found, what was measured, what to do.

    Args:
        store: Where it is recorded.
        run_id: Its id or the beginning of it; the latest by default.

    Raises:
        StoreError: there is no such run.
    """
    training = store.summary(run_id)
    run = training.run
    findings = analysed(store, run.path.name)
    layers = layer_curves(looks(run))
    out = {
        "version": VERSION,
        "otel_mldebug": __version__,
        "run": _run(training),
        "verdict": _verdict(training, findings),
        "recommendations": [one.to_json() for one in recommend(training, findings, layers)],
        "findings": findings,
        "training": _training(training),
        "layers": [layer.to_json() for layer in layers],
        "processes": [process.to_json() for process in run.processes],
    }
    return {key: value for key, value in out.items() if value not in (None, [], {})}


def _run(training: Training) -> dict[str, Any]:
    run = training.run
    out = {
        "run_id": run.run_id,
        "status": run.status,
        "exit_code": run.exit_code,
        "signal": run.signal,
        "started": rfc3339(run.started_ns),
        "ended": None if run.ended_ns is None else rfc3339(run.ended_ns),
        "duration_s": None if run.ended_ns is None else (run.ended_ns - run.started_ns) / 1e9,
        **{name: run.about[name] for name in _ABOUT if name in run.about},
        "watched": training.watched,
    }
    return {key: value for key, value in out.items() if value not in (None, "", {})}


def _verdict(training: Training, findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the finding that the others follow from; `healthy` only where steps were watched and nothing was found."""
    first = root(findings)
    if first is None:
        healthy = training.steps_seen > 0 and training.run.status in ("finished", "running")
        return {"healthy": healthy, "steps_seen": training.steps_seen}
    known = ("rule", "category", "severity", "summary", "cause", "step", "epoch", "rank", "layer", "id", "confidence")
    return {"healthy": False, **{name: first[name] for name in known if name in first}}


def _training(training: Training) -> dict[str, Any] | None:
    if not training.lanes:
        return None
    out = training.to_json()
    for elsewhere in ("run_id", "status", "steps", "findings", "watched"):
        out.pop(elsewhere, None)
    return {**out, "curves": {name: _curve(curve) for name, curve in training.curves.items() if curve}}


def _curve(curve: Curve) -> dict[str, Any]:
    """Return a curve as means over `steps_per_point` steps each, from `start` on; null where it has no value."""
    values = [None if one.mean is None else number(one.mean) for one in curve.bins]
    return {"start": curve.start, "steps_per_point": curve.width, "mean": values}
