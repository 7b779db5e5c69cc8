"""What the vigil is told of settings and run; rank and backend of a process that its program has started itself."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from otel_mldebug.config import Config
from otel_mldebug.instrument import ranks
from otel_mldebug.instrument.training.distributed.settings import Settings
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.semconv import names
from otel_mldebug.wiring.identity import identify
from otel_mldebug.wiring.vigil import settings


@pytest.mark.parametrize(
    ("config", "run_id", "directory"),
    [
        pytest.param(Config(store=Path("/s"), run_id="given"), "", Path("/s/given"), id="under the supervisor"),
        pytest.param(Config(store=Path("/s")), "made", Path("/s/made"), id="once something has been recorded"),
        pytest.param(Config(store=Path("/s")), "", None, id="before"),
        pytest.param(Config(store=Path("/s"), run_id="given", local=False), "", None, id="no local store"),
    ],
)
def test_where_ranks_meet(config, run_id, directory):
    runtime = SimpleNamespace(config=config, run_id=run_id)
    assert settings(runtime) == Settings(hang_timeout=0.0, directory=directory)


def test_the_time_that_counts_as_a_hang_is_handed_on():
    assert settings(SimpleNamespace(config=Config(hang_timeout=7.5), run_id="")).hang_timeout == 7.5


def joined(monkeypatch, *, initialised=True):
    module = SimpleNamespace(
        is_available=lambda: True,
        is_initialized=lambda: initialised,
        get_rank=lambda: 3,
        get_world_size=lambda: 4,
        get_backend=lambda: "gloo",
    )
    monkeypatch.setitem(sys.modules, "torch.distributed", module)


def test_a_rank_that_the_launcher_does_not_tell_is_that_of_the_process_group(monkeypatch):
    joined(monkeypatch)
    who = identify(Config(run_id="r"), environ={})
    assert (who.rank, who.local_rank, who.world_size, who.backend) == (3, None, 4, "gloo")
    assert who.resource(Redactor())[names.MLDEBUG_DISTRIBUTED_BACKEND] == "gloo"


def test_what_the_launcher_tells_wins(monkeypatch):
    joined(monkeypatch)
    who = identify(Config(run_id="r"), environ={"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"})
    assert (who.rank, who.local_rank, who.world_size, who.backend) == (1, 1, 2, "gloo")


@pytest.mark.parametrize("module", [None, SimpleNamespace(), SimpleNamespace(is_available=lambda: False)])
def test_without_a_process_group_nothing_is_known(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "torch.distributed", module)
    assert ranks.group() is None
    joined(monkeypatch, initialised=False)
    assert ranks.group() is None
    assert identify(Config(run_id="r"), environ={}).backend == ""
