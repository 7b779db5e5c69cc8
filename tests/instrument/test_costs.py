"""What watching costs is exported, with what is not paid from the budget."""

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from otel_mldebug.instrument import costs
from otel_mldebug.instrument.budget import Budget


def exported(reader: InMemoryMetricReader) -> dict[str, float]:
    data = reader.get_metrics_data()
    return {
        metric.name: point.value
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }


def test_time_holds_everything_and_the_share_only_what_belongs_to_watched_code(monkeypatch):
    monkeypatch.setattr(costs, "_sources", [])
    monkeypatch.setattr(costs, "_background", [])
    reader = InMemoryMetricReader()
    budget = Budget(0.02)
    costs.observe(MeterProvider([reader], shutdown_on_exit=False).get_meter("test"), budget)
    costs.add_source(lambda: 500_000)
    costs.add_source(lambda: 1_000_000, background=True)
    budget.charge(1_500_000)
    before = exported(reader)
    budget.earn(1_000_000_000)

    assert before == {"mldebug.self.time": 0.003}
    assert exported(reader) == {"mldebug.self.time": 0.003, "mldebug.self.cost": 0.002}


def test_a_source_counts_once(monkeypatch):
    monkeypatch.setattr(costs, "_sources", [])
    costs.add_source(int)
    costs.add_source(int)

    assert costs._sources == [int]
