"""A meter that puts the same attributes on every point: for providers whose resource does not have ours."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.metrics import CallbackOptions, Meter, Observation

Callback = Callable[[CallbackOptions], Iterable[Observation]] | Generator[Iterable[Observation], CallbackOptions, None]


class _Recording:
    """Any synchronous instrument: adds the tags and passes on."""

    def __init__(self, instrument: Any, tags: Mapping[str, Any]) -> None:
        self._instrument, self._tags = instrument, tags

    def add(self, amount: float, attributes: Mapping[str, Any] | None = None, context: Any = None) -> None:
        self._instrument.add(amount, self._tagged(attributes), context)

    def record(self, amount: float, attributes: Mapping[str, Any] | None = None, context: Any = None) -> None:
        self._instrument.record(amount, self._tagged(attributes), context)

    def set(self, amount: float, attributes: Mapping[str, Any] | None = None, context: Any = None) -> None:
        self._instrument.set(amount, self._tagged(attributes), context)

    def _tagged(self, attributes: Mapping[str, Any] | None) -> Mapping[str, Any]:
        return {**self._tags, **attributes} if attributes else self._tags


class TaggingMeter:
    """Looks like `meter`; everything recorded through it carries `tags` too, the point's own attributes winning.

    Stands for a `Meter` without being one: OpenTelemetry's class would ask for the whole of its private state.
    """

    def __init__(self, meter: Meter, tags: Mapping[str, Any]) -> None:
        self._meter, self._tags = meter, tags

    def __getattr__(self, name: str) -> Any:
        made = getattr(self._meter, name)
        if name.startswith("create_observable_"):
            return lambda *args, **kwargs: self._observable(made, *args, **kwargs)
        if name.startswith("create_"):
            return lambda *args, **kwargs: _Recording(made(*args, **kwargs), self._tags)
        return made

    def _observable(
        self, create: Any, name: str, callbacks: Sequence[Callback] | None = None, *rest: Any, **kw: Any
    ) -> Any:
        return create(name, [self._callback(callback) for callback in callbacks or ()], *rest, **kw)

    def _callback(self, callback: Callback) -> Callback:
        def tagged(options: CallbackOptions) -> Iterable[Observation]:
            made = callback(options) if callable(callback) else callback.send(options)
            return [Observation(o.value, {**self._tags, **(o.attributes or {})}) for o in made]

        return tagged
