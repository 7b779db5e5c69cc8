"""The Flight Recorder's dumps. `gloo.json` is one of rank 0 of two, whose rank 1 had stopped, by PyTorch 2.15."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.detectors.ranks.flight import latest_collective
from otel_mldebug.rules.ranks import Collective

GLOO = Path(__file__).with_name("gloo.json").read_text(encoding="utf-8")


def nccl(number, state, *, name="nccl:all_reduce", retired=False, p2p=False, sizes=((4, 8),)):
    """Return an entry as ProcessGroupNCCL makes it. Source: torch/csrc/distributed/c10d/FlightRecorder.hpp."""
    return {
        "record_id": number,
        "pg_id": 0,
        "process_group": ["0", "default_pg"],
        "collective_seq_id": number,
        "p2p_seq_id": 0,
        "op_id": number,
        "profiling_name": name,
        "time_created_ns": 1_795_284_214_598_119_166,
        "input_sizes": [list(size) for size in sizes],
        "state": state,
        "retired": retired,
        "is_p2p": p2p,
    }


def dump(*entries):
    return json.dumps({"version": "2.10", "entries": list(entries)}).encode()


def test_the_collective_that_a_rank_waits_in_is_read_from_a_real_dump():
    assert latest_collective(GLOO) == Collective(name="all_reduce", number=16, group="default_pg", sizes=((18,),))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(
            [nccl(1, "completed", retired=True), nccl(2, "completed", retired=True)],
            ("all_reduce", 2, True),
            id="all done",
        ),
        pytest.param(
            [nccl(1, "completed"), nccl(2, "started"), nccl(3, "scheduled")],
            ("all_reduce", 2, False),
            id="one is stuck",
        ),
        pytest.param(
            [nccl(1, "completed"), nccl(2, "scheduled", name="nccl:_reduce_scatter_base")],
            ("_reduce_scatter_base", 2, False),
            id="not started",
        ),
        pytest.param(
            [nccl(4, "completed"), nccl(5, "started", name="nccl:send 0->1", p2p=True)],
            ("all_reduce", 4, True),
            id="between two ranks",
        ),
    ],
)
def test_dumps_of_nccl(entries, expected):
    found = latest_collective(dump(*entries))
    assert found is not None
    assert (found.name, found.number, found.done) == expected


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"entries": 3}', '{"entries": [3]}', b"\xff", '{"entries": []}']
)
def test_what_is_no_dump_says_nothing(text):
    assert latest_collective(text) is None


@given(st.text() | st.binary())
def test_no_text_makes_it_raise(text):
    latest_collective(text)
