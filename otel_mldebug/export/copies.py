"""Copies of spans, redacted and with a finding where they failed. What they say is worked out when it is first read.

A span is frozen before any processor may change it (opentelemetry-python#5614), so exporters get a copy. Reading
happens in the exporter's thread, so the program's own thread pays only for making the object.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, Status, StatusCode
from typing_extensions import override

from otel_mldebug._guard import fault
from otel_mldebug.export.event import finding_on_span
from otel_mldebug.rules.catalogue.pattern import Pattern
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.semconv import names

EXCEPTION_EVENT = "exception"
UNREADABLE = "[could not be redacted]"
_NO_RESOURCE = Resource({})


class SpanCopy(ReadableSpan):
    """A copy of `span` for exporters.

    Args:
        span: An ended span.
        redactor: What replaces secrets; one that is switched off leaves the texts alone.
        patterns: The user's entries and ours, as `rules.explain.explain` takes them.
    """

    def __init__(self, span: ReadableSpan, redactor: Redactor, patterns: tuple[Pattern, ...] | None = None) -> None:
        super().__init__(
            UNREADABLE,
            context=span.context,
            parent=span.parent,
            resource=_NO_RESOURCE,
            kind=span.kind,
            instrumentation_scope=span.instrumentation_scope,
            start_time=span.start_time,
            end_time=span.end_time,
        )
        self._span, self._redactor, self._patterns = span, redactor, patterns

    @cached_property
    def _clean(self) -> ReadableSpan:
        try:
            return _made(self._span, self._redactor, self._patterns)
        except Exception as exc:  # noqa: BLE001
            fault("redact a span", exc)
            return _made_empty(self._span)  # what could not be redacted does not leave the process

    @property
    @override
    def name(self) -> str:
        return self._clean.name

    @property
    @override
    def attributes(self) -> Any:
        return self._clean.attributes

    @property
    @override
    def events(self) -> Sequence[Event]:
        return self._clean.events

    @property
    @override
    def links(self) -> Sequence[Link]:
        return self._clean.links

    @property
    @override
    def status(self) -> Status:
        return self._clean.status

    @property
    @override
    def resource(self) -> Resource:
        return self._clean.resource

    @property
    @override
    def dropped_attributes(self) -> int:
        return self._span.dropped_attributes

    @property
    @override
    def dropped_events(self) -> int:
        return self._span.dropped_events

    @property
    @override
    def dropped_links(self) -> int:
        return self._span.dropped_links

    @override
    def to_json(self, indent: int | None = 4) -> str:
        return str(self._clean.to_json(indent))


def _made(span: ReadableSpan, redactor: Redactor, patterns: tuple[Pattern, ...] | None) -> ReadableSpan:
    attributes = dict(span.attributes or {})
    if names.MLDEBUG_FINDING_RULE not in attributes and (facts := facts_of_span(span)):
        attributes |= finding_on_span(explain(facts, patterns))
    description = span.status.description
    return _like(
        span,
        name=redactor.text(span.name),
        attributes=redacted(attributes, redactor),
        events=[Event(e.name, redacted(e.attributes or {}, redactor), e.timestamp) for e in span.events],
        links=[Link(link.context, redacted(link.attributes or {}, redactor)) for link in span.links],
        status=Status(span.status.status_code, redactor.text(description)) if description else span.status,
        resource=_resource(span.resource, redactor),
    )


def _made_empty(span: ReadableSpan) -> ReadableSpan:
    return _like(span, name=UNREADABLE, status=Status(span.status.status_code), resource=_NO_RESOURCE)


def _like(span: ReadableSpan, **changed: Any) -> ReadableSpan:
    return ReadableSpan(
        context=span.context,
        parent=span.parent,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        start_time=span.start_time,
        end_time=span.end_time,
        **changed,
    )


def facts_of_span(span: ReadableSpan) -> ErrorFacts | None:
    """Return what a failed span says of its failure, None for one that did not fail.

    Read from its last exception event, or, where exceptions go to logs, from `error.type` and the status.
    """
    if span.status.status_code is not StatusCode.ERROR:
        return None
    for event in reversed(span.events):
        if event.name == EXCEPTION_EVENT and (found := event.attributes):
            return ErrorFacts(
                type=str(found.get(names.EXCEPTION_TYPE, "")), message=str(found.get(names.EXCEPTION_MESSAGE, ""))
            )
    kind = str((span.attributes or {}).get(names.ERROR_TYPE, ""))
    message = span.status.description or ""
    return ErrorFacts(type=kind, message=message) if kind or message else None


def redacted(attributes: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return `attributes` without secrets, and without those of which nothing is to be shown."""
    found = ((key, redactor.item(key, value)) for key, value in attributes.items())
    return {key: value for key, value in found if value is not None}


_resources: dict[int, tuple[Resource, Redactor, Resource]] = {}
"""The last few resources and their redacted copies: all spans of a provider share one."""


def _resource(resource: Resource, redactor: Redactor) -> Resource:
    known = _resources.get(id(resource))
    if known is not None and known[0] is resource and known[1] is redactor:
        return known[2]
    clean = Resource(redacted(resource.attributes, redactor), resource.schema_url)
    if len(_resources) >= 8:
        _resources.clear()
    _resources[id(resource)] = resource, redactor, clean
    return clean
