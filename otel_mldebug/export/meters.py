"""The meter that what watches gets: tags where a foreign resource lacks ours, and callbacks that can be let go of."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_mldebug._guard import fault

Callback = Callable[[CallbackOptions], Iterable[Observation]]

_slots: "WeakKeyDictionary[Any, dict[tuple[str, str], _Slot]]" = WeakKeyDictionary()
"""The observable instruments that a provider has of ours. It keeps them for good, with their first callbacks."""


class _Slot:
    """The callbacks of one observable instrument, exchanged when a new pipeline makes the instrument again."""

    __slots__ = ("callbacks", "owner")

    def __init__(self) -> None:
        self.owner: object = None
        self.callbacks: list[Callback] = []

    def __call__(self, options: CallbackOptions) -> Iterable[Observation]:
        seen: list[Observation] = []
        for callback in self.callbacks:
            try:
                seen.extend(callback(options))
            except Exception as exc:  # noqa: BLE001, PERF203
                fault("read a metric", exc)
        return seen


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


class OurMeter:
    """Looks like the provider's meter of `scope`; everything recorded through it carries `tags` too.

    Stands for a `Meter` without being one: OpenTelemetry's class would ask for the whole of its private state.

    Args:
        provider: Any meter provider.
        scope: Name of the instrumentation scope.
        version: Its version.
        tags: Attributes for every point; the point's own win.
        owner: The pipeline that this meter is part of; `release` lets go of its callbacks.
    """

    def __init__(self, provider: Any, scope: str, version: str, tags: Mapping[str, Any], owner: object) -> None:
        self._meter: Meter = provider.get_meter(scope, version)
        self._known = _slots.setdefault(provider, {})
        self._scope, self._tags, self._owner = scope, tags, owner

    def __getattr__(self, name: str) -> Any:
        made = getattr(self._meter, name)
        if name.startswith("create_observable_"):
            return lambda *args, **kwargs: self._observable(made, *args, **kwargs)
        if name.startswith("create_") and self._tags:
            return lambda *args, **kwargs: _Recording(made(*args, **kwargs), self._tags)
        return made

    def _observable(
        self, create: Any, name: str, callbacks: Sequence[Callback] | None = None, *rest: Any, **kw: Any
    ) -> Any:
        slot = self._known.get((self._scope, name))
        if slot is None:
            slot = self._known[self._scope, name] = _Slot()
        if slot.owner is not self._owner:
            slot.owner, slot.callbacks = self._owner, []
        slot.callbacks.extend(self._tagged(callback) for callback in callbacks or ())
        return create(name, [slot], *rest, **kw)

    def _tagged(self, callback: Callback) -> Callback:
        if not self._tags:
            return callback
        return lambda options: [
            Observation(o.value, {**self._tags, **(o.attributes or {})}, o.context) for o in callback(options)
        ]


def release(provider: Any, owner: object) -> None:
    """Let go of all callbacks that `owner` registered with `provider`: its observable instruments fall silent."""
    for slot in list(_slots.get(provider, {}).values()):
        if slot.owner is owner:
            slot.owner, slot.callbacks = None, []
