"""What frameworks know better than hooks: their callbacks tell it here."""

import math
from collections.abc import Mapping
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training import progress
from otel_mldebug.instrument.training.debugging.tracking import observe, track_loss
from otel_mldebug.instrument.training.steps.numbers import Promise, Sent, number
from otel_mldebug.rules.course import Evaluation


def about_step(*, epoch: int | None = None, samples: int | None = None) -> None:
    """Say what is known of the step of the calling thread, between its last backward call and the optimizer.

    Args:
        epoch: Number of the pass over the data, from 0.
        samples: Samples in all its batches.
    """
    recorder = progress.recorder()
    if recorder is None:
        return
    track = recorder.tracks.track
    track.epoch = track.epoch if epoch is None else epoch
    track.samples = track.samples if samples is None else samples


def backward_calls() -> int:
    """Return how many backward calls the step of the calling thread has had so far; 0 when nothing is watched."""
    recorder = progress.recorder()
    return 0 if recorder is None else recorder.tracks.track.backward_calls


def about_evaluation(stream: str, metrics: Mapping[str, Any]) -> None:
    """Say what an evaluation pass has come to.

    Args:
        stream: Which evaluation, the same each time: `validation`.
        metrics: By name. The first whose name holds `loss` is the loss, in the unit of the training loss.
    """
    recorder = progress.recorder()
    loss = next((value for name, value in metrics.items() if "loss" in name), None)
    found = None if loss is None else number(loss, f"{stream} loss")
    if isinstance(found, (Promise, Sent)):
        found = found.read() if isinstance(found, Promise) else float(loss)  # type: ignore[arg-type]  # the pass is over
    if recorder is None or found is None or not math.isfinite(found):
        return
    # Batches and times are those that the hooks have seen.
    told = Evaluation(step=recorder.index, stream=stream, place=stream, loss=found, batches=0)
    recorder.evaluated(recorder.tracks.track, told, None)


def about_values(values: Mapping[str, Any]) -> None:
    """Keep what a program logs: losses are judged as series, all numbers are metrics."""
    for name, value in values.items():
        if isinstance(value, (str, bytes, bool)) or value is None:
            continue
        with _guard.guard("keep a logged value"):
            if "loss" in name:
                track_loss(value, name, every=1)
            else:
                observe(name, value)


def about_failure(exc: BaseException, **known: Any) -> None:
    """Report an exception that a framework has caught, with where it was."""
    if isinstance(exc, Exception):
        context = {name: value for name, value in known.items() if value is not None}
        sinks.current().exception(exc, context=context)
