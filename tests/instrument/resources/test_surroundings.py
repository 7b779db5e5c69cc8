"""What stands beside a finding: the machine always, the allocator's books where memory ran out."""

import time
from types import SimpleNamespace

import pytest

from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.export.failure import Explained
from otel_mldebug.export.groups import Groups, Rate
from otel_mldebug.instrument.resources import surroundings as module
from otel_mldebug.instrument.resources.surroundings import allocator, surroundings
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.testing import Telemetry


class CUDA:
    """Stands for `torch.cuda`, with the books of two devices of which one is in use."""

    def __init__(self, *, initialized=True):
        self.initialized, self.asked = initialized, []

    def is_initialized(self):
        return self.initialized

    def device_count(self):
        self.asked.append("count")
        return 2

    def memory_stats(self, device):
        self.asked.append(device)
        if device:
            return {}
        return {
            "allocated_bytes.all.current": 5,
            "allocated_bytes.all.peak": 7,
            "reserved_bytes.all.current": 8,
            "reserved_bytes.all.peak": 9,
            "inactive_split_bytes.all.current": 2,
            "num_alloc_retries": 1,
            "num_ooms": 3,
        }


def of(category):
    return Finding(rule="r", category=category, severity=Severity.ERROR, summary="s", fingerprint="f")


def test_the_allocators_books_are_read_for_devices_in_use():
    assert allocator(SimpleNamespace(cuda=CUDA())) == {
        "gpu_allocated_bytes": (5,),
        "gpu_allocated_peak_bytes": (7,),
        "gpu_reserved_bytes": (8,),
        "gpu_inactive_split_bytes": (2,),
        "gpu_allocation_retries": (1,),
        "gpu_out_of_memory_errors": (3,),
    }


def test_cuda_is_not_woken():
    cuda = CUDA(initialized=False)
    assert allocator(SimpleNamespace(cuda=cuda)) == {}
    assert allocator(None) == {}
    assert cuda.asked == []


@pytest.mark.parametrize(("category", "asked"), [(Category.MEMORY, True), (Category.NETWORK, False)])
def test_the_allocator_is_asked_for_errors_of_memory_only(monkeypatch, category, asked):
    cuda = CUDA()
    monkeypatch.setitem(module.sys.modules, "torch", SimpleNamespace(cuda=cuda))
    found = surroundings(of(category))
    assert ("gpu_reserved_bytes" in found, bool(cuda.asked)) == (asked, asked)
    assert found["process_memory_bytes"] > 0


def test_only_what_is_sent_has_surroundings_and_own_context_wins():
    asked = []

    def tell(finding):
        asked.append(finding.rule)
        return {"process_memory_bytes": 1, "place": "machine"}

    groups = Groups(lambda: 0.0, per_group=Rate(1, 0))
    emitter = Emitter(Outlets(), groups=groups, surroundings=tell)
    made = [emitter.finding(of(Category.DATA), context={"place": "mine"}) for _ in range(3)]
    assert made[0].context == {"place": "mine", "process_memory_bytes": 1}
    assert asked == ["r"]


def test_without_time_left_an_exception_goes_without():
    found = []
    for late in (False, True):
        explain = lambda *_, late=late, **__: Explained(finding=of(Category.DATA), late=late)  # noqa: E731
        emitter = Emitter(Outlets(), surroundings=lambda _: {"known": True}, explain=explain)
        found.append(emitter.exception(ValueError("x")).context)
    assert found == [{"known": True}, {}]


def test_an_exception_that_hangs_leaves_no_time_for_arguments_and_surroundings():
    class SlowError(Exception):
        def __str__(self):
            time.sleep(0.5)
            return "slow"

    emitter = Emitter(Outlets(), surroundings=lambda _: {"known": True})
    began_s = time.monotonic()
    made = emitter.exception(SlowError(), arguments={"batch": [1, 2]})
    assert made.context == {"argument.batch": "list"}
    assert time.monotonic() - began_s < 30


def test_a_pipeline_that_samples_says_it_and_one_that_does_not_does_not():
    found = {}
    for resources in (True, False):
        with Telemetry(resources=resources) as telemetry:
            found[resources] = telemetry.runtime.exception(ValueError("x")).context
    assert found[True]["process_memory_bytes"] > 0
    assert found[False] == {}
