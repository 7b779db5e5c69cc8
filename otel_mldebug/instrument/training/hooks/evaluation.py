"""Passes over data that is not trained on: told from training, without any change of the program.

Batches that are fetched with gradients disabled, or one after the other while the model is in evaluation mode, are a
pass over a loader. Losses that are computed so are one, too, also where there is no loader.
"""

from collections.abc import Iterable
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument.training.hooks.passing import Pass
from otel_mldebug.instrument.training.hooks.watch import Watch
from otel_mldebug.instrument.training.steps.ahead import Fetch
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.instrument.training.tensors.callers import caller
from otel_mldebug.rules.course import Evaluation

MOST_LOSSES = 4096
"""Losses on a device that one pass keeps until it ends."""
MOST_WRONG = 10
"""Losses in evaluation mode that turned out to be trained on, after which no other is taken for evaluation."""
MOST_KEPT = 64
"""Members of a list or dict of a model that may be models."""
LOOKS = 4
"""Batches of a pass at which modes and graphs are looked at, and the end."""
_OVER = -1
"""Source of a pass whose loader has no more batches."""
_BEHAVE = ("Dropout", "BatchNorm", "SyncBatchNorm", "InstanceNorm")
"""Beginnings of the classes of PyTorch that do something else in training."""


class Evaluations:
    """Finds passes and tells the recorder of each that has ended.

    Args:
        watch: What all hooks share.

    Attributes:
        maybe: Whether a pass may yet turn out to be training.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._recorder = watch.recorder
        self._tracks = watch.recorder.tracks
        self._tensor = watch.torch.Tensor
        self._clock = watch.clock
        self._streams: dict[Any, str] = {}
        self._wrong = 0
        self.maybe = False

    def fetched(self, iterator: Any, passes: Any, fetch: Fetch, *, disabled: bool) -> None:
        """Note a batch that was fetched with gradients disabled, or when the one before it was not trained on.

        To be called before the track is told of the fetch.
        """
        track = self._tracks.track
        source = id(iterator)
        current = track.passing
        if current is None or current.source != source:
            if not disabled and not self._watch.layers.evaluating():
                return
            found = caller(2)
            if found.internal:  # PyTorch's own: update_bn goes over the data in training mode, and has to
                return
            losses = current if current is not None and not current.source and current.began >= track.mark else None
            if losses is None:
                self.end(track)
            current = track.passing = Pass(
                self, source, self._stream(passes), found, self._clock() - (fetch.seconds or 0.0), self._recorder.index
            )
            track.wake()
            if (before := track.pending.get(source)) is not None:
                current.count(before.samples)
            if losses is not None:  # those of the first batch
                current.values, current.devices, current.first = losses.values, losses.devices, 1
                self.maybe = False
        current.trained_on = bool(getattr(passes, "trained", False))
        current.count(fetch.samples)
        current.ended = self._clock()
        if current.batches <= LOOKS:
            self._look(current, disabled=disabled)

    def exhausted(self, iterator: Any) -> bool:
        """Note that a loader has no more batches; return whether those that are pending may yet be trained on."""
        track = self._tracks.track
        current = track.passing
        if current is None or current.source != id(iterator):
            return True
        disabled = not self._watch.torch.is_grad_enabled()
        current.ended = self._clock()
        self._look(current, disabled=disabled)
        if not disabled and current.trained_on and not current.values and not current.graphs.held:
            track.passing = None  # fetched ahead for training, before the model was put into training mode again
            self.maybe = False
            return True
        if current.ahead:
            current.source = _OVER  # the loss of its last batch is still to come
        else:
            self.end(track)
        return False

    def loss(self, name: str, target: Any, value: Any, terms: int = 1) -> None:
        """Note a loss that was computed with gradients disabled, or in evaluation mode.

        Args:
            name: Of the function.
            target: Its second argument: its first dimension says how many samples there are.
            value: Its result.
            terms: What it is a sum of, and has to be divided by.
        """
        track = self._tracks.track
        graph = bool(value.requires_grad)
        if not self._recorder.index or (graph and self._wrong >= MOST_WRONG) or not self._readable(value):
            return
        current = track.passing
        if current is None or not current.source:
            found = caller(4)
            stream = self._stream(found.key)
            if found.internal:
                return
            if current is None or current.stream != stream or current.step != self._recorder.index:
                self.end(track)
                current = track.passing = Pass(self, 0, stream, found, self._clock(), self._recorder.index)
                track.wake()
            current.maybe = self.maybe = graph
            current.count(None)
        current.ended = self._clock()
        current.first = current.first or current.batches
        weight = int(target.shape[0]) if isinstance(target, self._tensor) and target.dim() else 1
        if not current.source:
            current.samples = (current.samples or 0) + weight
        if graph and not current.graphs.used:
            current.graphs.held = "the loss"
        if current.batches <= LOOKS:
            self._modes(current)
            current.graphs.look(current.caller, 4, graphs=False)
        self._add(current, name, weight, value.detach() if terms == 1 else value.detach() / terms)

    def forced(self, function: str) -> None:
        """Note that a function works as in training although the model is in evaluation mode, with gradients disabled.

        Args:
            function: `dropout` or `batch_norm`.
        """
        track, step = self._tracks.track, self._recorder.index
        if step and ((current := track.passing) is None or not (current.source or current.step == step)):
            found = caller(3)
            self.end(track)
            track.passing = Pass(self, 0, self._stream(found.key), found, self._clock(), step)
            track.wake()
            track.passing.count(None)
        if track.passing is not None:
            track.passing.forced = function

    def _add(self, current: Pass, name: str, weight: int, value: Any) -> None:
        if value.numel() != 1:
            value = value.float().mean()
        sums = current.values.setdefault(name, [0.0, 0.0])
        if self._watch.devices.direct(value):
            sums[0] += weight * value.item()
        elif self._watch.devices.watchable(value):
            kept = current.devices.setdefault(name, [])
            if len(kept) >= MOST_LOSSES:
                return
            kept.append(value.reshape(()) * weight)
        sums[1] += weight

    def _readable(self, value: Any) -> bool:
        torch = self._watch.torch
        return (
            type(value) is self._tensor
            and not value.is_meta
            and value.numel() > 0
            and not torch._C._len_torch_dispatch_stack()
            and torch._C._get_tracing_state() is None
            and torch._C._functorch.peek_interpreter_stack() is None
        )

    def trained(self, track: Track) -> None:
        """Note that backward runs: a pass that is going on has ended, or was none."""
        current = track.passing
        if current.maybe or list(track.pending) == [current.source]:
            self._wrong += current.maybe
            track.passing = None
            self.maybe = False
        else:
            track.drop(current.source)  # loops that count its batches never ask for one too many
            self.end(track)

    def finish(self) -> None:
        """End the pass that is going on: the program ends."""
        self.end(self._tracks.track)

    def end(self, track: Track) -> None:
        """End the pass of a thread, if there is one, and tell of it."""
        current, track.passing = track.passing, None
        self.maybe = False
        if current is None or not self._recorder.index:
            return
        with _guard.guard("tell of an evaluation pass"):
            self._recorder.evaluated(track, self._evaluation(current), self._late(current))

    def _evaluation(self, current: Pass) -> Evaluation:
        active, apart = self._active() if current.modes and all(current.modes) else (), ""
        if current.modes and not all(current.modes):
            active, apart = self._apart()
        means = [
            total / weight for name, (total, weight) in current.values.items() if weight and name not in current.devices
        ]
        known = bool(current.modes) and not current.graphs.others
        return Evaluation(
            step=current.step,
            stream=current.stream,
            place=current.caller.place,
            loss=sum(means) if means else None,
            batches=current.batches,
            samples=current.samples,
            duration_s=max(0.0, current.ended - current.began),
            trained_on=current.trained_on,
            training_mode=all(current.modes) if known else None,
            active=active,
            loader=bool(current.source),
            tracked=current.graphs.held,
            forced=current.forced,
            apart=apart,
        )

    def _late(self, current: Pass) -> Any:
        """Send for the mean of the losses that are on a device; None when there are none."""
        if not current.devices:
            return None
        torch = self._watch.torch
        means = [
            torch.stack([value.float() for value in values]).sum() / current.values[name][1]
            for name, values in current.devices.items()
            if len({value.device for value in values}) == 1
        ]
        return self._watch.devices.send([sum(means)]) if means else None

    def _look(self, current: Pass, *, disabled: bool) -> None:
        self._modes(current)
        current.graphs.look(current.caller, 3, graphs=not disabled)

    def _modes(self, current: Pass) -> None:
        current.modes += [bool(root.training) for root in self._watch.layers.trained()]

    def trained_models(self) -> list[Any]:
        """Return the models that are being trained."""
        return self._watch.layers.trained()

    def _apart(self) -> tuple[tuple[str, ...], str]:
        """Return the same of models that another one keeps in a plain list or dict, and in which attribute."""
        roots = self._watch.layers.trained()
        for module in (module for root in roots for module in root.modules()):
            for name, kept in list(vars(module).items()):
                things = list(kept.values()) if type(kept) is dict else kept if type(kept) in (list, tuple) else ()
                held = {id(thing) for thing in things[:MOST_KEPT]} if name != "_modules" else set()
                inside = [root for root in roots if root.training and id(root) in held]
                if inside and (active := self._active(inside)):
                    return active, name
        return (), ""

    def _active(self, roots: Iterable[Any] = ()) -> tuple[str, ...]:
        """Return the classes of layers that do now what they should do in training only."""
        found: dict[str, None] = {}
        for root in roots or self._watch.layers.trained():
            for module in root.modules():
                kind = type(module).__name__
                if kind.startswith(_BEHAVE) and module.training and _matters(module):
                    found[kind] = None
        return tuple(found)

    def _stream(self, key: Any) -> str:
        """Return a short name that stays the same for the same loader or place."""
        key = id(key) if not isinstance(key, tuple) else key
        if key not in self._streams and len(self._streams) < 256:
            self._streams[key] = f"evaluation {len(self._streams) + 1}"
        return self._streams.get(key, "")


def _matters(module: Any) -> bool:
    return bool(getattr(module, "p", 1)) and getattr(module, "track_running_stats", True) is not False
