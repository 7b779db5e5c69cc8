"""Metric readers that come and go, also with an SDK that knows readers only from the beginning."""

from typing import Any

from opentelemetry.sdk.metrics.export import MetricReader

from otel_mldebug._guard import guard, log


def add_reader(provider: Any, reader: MetricReader) -> bool:
    """Let `reader` collect from `provider`; return whether that is possible.

    `add_metric_reader` came with one of the SDK's 1.4x versions. Before it, a reader is put where the method puts it
    now; should that place look otherwise, metrics of a provider that somebody else made stay with its own readers.
    """
    if hasattr(provider, "add_metric_reader"):
        provider.add_metric_reader(reader)
        return True
    consumer: Any = getattr(provider, "_measurement_consumer", None)
    if isinstance(getattr(consumer, "_reader_storages", None), dict):
        with guard("add a metric reader"):
            from opentelemetry.sdk.metrics._internal.metric_reader_storage import MetricReaderStorage

            known: Any = reader
            storage = MetricReaderStorage(
                consumer._sdk_config, known._instrument_class_temporality, known._instrument_class_aggregation
            )
            consumer._reader_storages = {**consumer._reader_storages, reader: storage}
            reader._set_collect_callback(consumer.collect)
            return True
    log.debug("the meter provider %r takes no further readers", type(provider))
    return False


def remove_reader(provider: Any, reader: MetricReader) -> None:
    """Undo `add_reader`."""
    if hasattr(provider, "remove_metric_reader"):
        provider.remove_metric_reader(reader)
        return
    consumer: Any = provider._measurement_consumer
    consumer._reader_storages = {key: value for key, value in consumer._reader_storages.items() if key is not reader}
    reader._set_collect_callback(None)
