"""DataLoader iteration: how long a batch was waited for, how many samples it has, and which pass it is from."""

import weakref
from collections.abc import Callable, Sequence
from threading import get_ident
from typing import Any
from weakref import WeakKeyDictionary

from otel_mldebug import _guard
from otel_mldebug.instrument.training.hooks.evaluation import Evaluations
from otel_mldebug.instrument.training.hooks.generators import copied_generator
from otel_mldebug.instrument.training.hooks.orders import order_of
from otel_mldebug.instrument.training.hooks.watch import Watch
from otel_mldebug.instrument.training.steps.ahead import Fetch
from otel_mldebug.instrument.training.steps.passes import Passes
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.instrument.training.tensors.callers import caller

_ATTRIBUTE = "_mldebug_passes"
_MOST_PLACES = 64
"""Places and data for which loaders may be made anew that are remembered."""


class LoaderHooks:
    """Wrappers for `DataLoader.__iter__` and for `__next__` of its iterators.

    Args:
        watch: What all hooks share.
        evaluations: Is told of batches that are not trained on.
    """

    def __init__(self, watch: Watch, evaluations: Evaluations) -> None:
        self._evaluations = evaluations
        self._torch = watch.torch
        self._enabled = watch.torch.is_grad_enabled
        self._tracks = watch.recorder.tracks
        self._clock = watch.clock
        self._tensor = watch.torch.Tensor
        self._passes: WeakKeyDictionary[Any, Passes] = WeakKeyDictionary()
        self._anew: dict[tuple[Any, ...], tuple[Passes, list[Any]]] = {}

    def iterating(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `DataLoader.__iter__` that counts passes."""

        def __iter__(loader: Any) -> Any:  # noqa: N807
            iterator = original(loader)
            try:
                passes = self._passes.get(loader)
                if passes is None:
                    passes = self._passes[loader] = self._passes_of(loader)
                    passes.alike = copied_generator(loader)
                passes.samples, passes.drawn = order_of(self._torch, loader)
                passes.begin()
                iterator.__dict__[_ATTRIBUTE] = passes
            except Exception as exc:  # noqa: BLE001
                _guard.fault("watch a DataLoader", exc)
            return iterator

        return __iter__

    def _passes_of(self, loader: Any) -> Passes:
        """Return the passes of a new loader: those over the same data at the same place, if each has its own loader."""
        length, data = _length(loader), _data(loader)
        key = (caller(2).key, type(loader.dataset), *map(id, data))
        passes, seen = self._anew.get(key, (None, ()))
        same = len(seen) == len(data) and all(map(_is, seen, data))
        if same and passes is not None and passes.length == length and passes.goes_on():
            passes.loaders += 1
            return passes
        if len(self._anew) >= _MOST_PLACES:
            self._anew.clear()
        passes = Passes(length)
        self._anew[key] = passes, list(map(_ref, data))
        return passes

    def fetching(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `__next__` that measures, and in steps that are only counted just notes the batch."""
        tracks, enabled, measured, exhausted, samples, thread = (
            self._tracks, self._enabled, self._measured, self._exhausted, self._samples, get_ident,
        )  # fmt: skip

        def __next__(iterator: Any) -> Any:  # noqa: N807
            track = tracks.lit
            if track.owner != thread():
                track = tracks.track
            if track.light is None or track.pending or track.ahead or track.gpu is not None or not enabled():
                return measured(track, original, iterator)
            try:
                batch = original(iterator)
            except StopIteration:
                exhausted(track, iterator)
                raise
            try:
                passes = iterator.__dict__.get(_ATTRIBUTE)
                if passes is not None:
                    passes.batches += 1
                track.pending[id(iterator)] = Fetch(None, samples(batch), passes, batch)
            except Exception as exc:  # noqa: BLE001
                _guard.fault("watch a DataLoader", exc)
            return batch

        return __next__

    def _measured(self, track: Track, original: Callable[..., Any], iterator: Any) -> Any:
        """Fetch a batch and tell how long it took."""
        if (gpu := track.gpu) is not None:
            self._on_gpu(gpu.fetch_begins)
        started = self._clock()
        try:
            batch = original(iterator)
        except StopIteration:
            if gpu is not None:  # what was fetched ahead is still to be trained on
                self._on_gpu(gpu.fetch_ends)
            self._exhausted(track, iterator)
            raise
        try:
            passes = iterator.__dict__.get(_ATTRIBUTE)
            if passes is not None:
                passes.batches += 1
            now = self._clock()
            if gpu is not None:
                self._on_gpu(gpu.fetch_ends)
            fetch = Fetch(now - started, self._samples(batch), passes, batch)
            disabled = not self._enabled()
            if disabled or id(iterator) in track.pending:
                self._evaluations.fetched(iterator, passes, fetch, disabled=disabled)
                passing = track.passing is not None and track.passing.source == id(iterator)
                training = not disabled and (not passing or bool(passes is not None and passes.trained))
                track.fetched(id(iterator), started, now, fetch, training=training)
            else:
                track.fetched(id(iterator), started, now, fetch)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch a DataLoader", exc)
        return batch

    @staticmethod
    def _on_gpu(record: Callable[[], None]) -> None:
        try:
            record()
        except Exception as exc:  # noqa: BLE001
            _guard.fault("time a GPU", exc)

    def _exhausted(self, track: Track, iterator: Any) -> None:
        training = True
        try:
            if track.passing is not None:
                training = self._evaluations.exhausted(iterator)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch a DataLoader", exc)
        track.exhausted(id(iterator), self._clock(), training=training)
        passes = iterator.__dict__.get(_ATTRIBUTE)
        if passes is not None:
            passes.exhausted()

    def _samples(self, batch: Any) -> int | None:
        """Return the first dimension of the first tensor in `batch`; the length of a plain list."""
        if type(batch) is list and batch and type(batch[0]) is self._tensor and batch[0].dim():
            return int(batch[0].size(0))  # what most loaders make
        for _ in range(4):
            if isinstance(batch, self._tensor):
                return int(batch.shape[0]) if batch.dim() else None
            if isinstance(batch, (list, tuple)) and batch:
                first = batch[0]
                if isinstance(first, (str, int, float, bytes)):
                    return len(batch)
                batch = first
            elif isinstance(batch, dict) and batch:
                values = list(batch.values())
                batch = next((value for value in values if isinstance(value, self._tensor)), values[0])
            else:
                return None
        return None


def _data(loader: Any) -> Sequence[Any]:
    """Return what tells the data of a loader from other data: its tensors, where it has some, or itself."""
    dataset = loader.dataset
    tensors = getattr(dataset, "tensors", None)
    return tensors[:8] if isinstance(tensors, (tuple, list)) else (dataset,)


def _ref(thing: Any) -> Any:
    """Return a weak reference; None for a list and the like, which takes none."""
    try:
        return weakref.ref(thing)
    except TypeError:
        return None


def _is(ref: Any, thing: Any) -> bool:
    """Return whether a reference is to `thing`, and not to what had its identity before it."""
    return ref is None or ref() is thing


def _length(loader: Any) -> int:
    """Return how many batches a pass has; 0 when it cannot be known without asking an iterable data set."""
    if getattr(loader, "batch_sampler", None) is None:
        return 0
    try:
        return len(loader)
    except TypeError:  # a sampler that has no length
        return 0
