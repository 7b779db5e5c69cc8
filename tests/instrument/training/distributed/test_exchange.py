"""How ranks tell each other how they are: files on one host, the launcher's store over several."""

import os
import socket
import time

import pytest

from otel_mldebug.instrument import ranks
from otel_mldebug.instrument.training.distributed.exchange import Exchange, Remote, alive, launch
from otel_mldebug.rules.ranks import Position, RankView


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def view(rank, **more):
    return RankView(rank=rank, world_size=2, position=Position(place=f"place {rank}"), **more)


@pytest.fixture
def clock():
    return Clock()


def exchange(tmp_path, rank, clock, living=True):
    return Exchange(tmp_path, "launch", rank, clock=clock, alive=lambda _: living, wall_s=lambda: 0.0)


def test_a_rank_sees_what_the_others_have_told(tmp_path, clock):
    first, second = exchange(tmp_path, 0, clock), exchange(tmp_path, 1, clock)
    assert first.others() == []
    first.publish(view(0))
    second.publish(view(1, steps=7))
    assert first.others() == [view(1, steps=7)]
    assert second.others() == [view(0)]


def test_what_is_large_is_kept_beside_what_is_told_often(tmp_path, clock):
    first, second = exchange(tmp_path, 0, clock), exchange(tmp_path, 1, clock)
    second.publish(view(1, batches={1: 2}), full=True)
    second.publish(view(1, steps=3))
    assert first.others() == [view(1, steps=3)]
    assert first.others(full=True) == [view(1, batches={1: 2})]


def test_a_rank_that_falls_silent_gets_older_and_idle(tmp_path, clock):
    first, second = exchange(tmp_path, 0, clock), exchange(tmp_path, 1, clock)
    second.publish(view(1, idle_s=1.0))
    assert [(v.age_s, v.idle_s) for v in first.others()] == [(0.0, 1.0)]
    clock.now += 5.0
    assert [(v.age_s, v.idle_s) for v in first.others()] == [(5.0, 6.0)]
    second.publish(view(1, idle_s=0.0))
    assert [(v.age_s, v.idle_s) for v in first.others()] == [(0.0, 0.0)]


def test_a_file_that_is_seen_for_the_first_time_is_as_old_as_it_is(tmp_path, clock):
    exchange(tmp_path, 1, clock).publish(view(1))
    written_s = (tmp_path / ".ranks" / "launch" / "r1.json").stat().st_mtime
    late = Exchange(tmp_path, "launch", 0, clock=clock, alive=lambda _: True, wall_s=lambda: written_s + 40.0)
    assert [v.age_s for v in late.others()] == [40.0]


def test_a_process_that_does_not_exist_any_more_is_gone_unless_it_has_ended(tmp_path, clock):
    first, second = exchange(tmp_path, 0, clock, living=False), exchange(tmp_path, 1, clock)
    second.publish(view(1))
    assert [v.gone for v in first.others()] == [True]
    second.publish(view(1, ended=True))
    assert [v.gone for v in first.others()] == [False]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"beat": 1, "pid": 2, "view": {}}', '{"beat": 1, "view": 3}'])
def test_a_file_that_is_none_of_ours_is_passed_over(tmp_path, clock, content):
    first = exchange(tmp_path, 0, clock)
    first.publish(view(0))
    (tmp_path / ".ranks" / "launch" / "r1.json").write_text(content)
    assert first.others() == []


def test_what_one_rank_has_told_the_others_need_not_tell(tmp_path, clock):
    first, second = exchange(tmp_path, 0, clock), exchange(tmp_path, 1, clock)
    assert first.claim("distributed.straggler")
    assert not second.claim("distributed.straggler")
    assert second.claim("distributed.same_batches")


def test_nothing_is_left_once_all_have_ended(tmp_path, clock):
    first = exchange(tmp_path, 0, clock)
    first.publish(view(0))
    first.clear()
    assert list(tmp_path.iterdir()) == []


def test_launches_are_told_apart_by_who_started_them_and_by_restarts():
    assert launch({}) == f"{os.getppid()}-0"
    assert launch({"TORCHELASTIC_RESTART_COUNT": "2"}) == f"{os.getppid()}-2"
    assert launch({"TORCHELASTIC_RESTART_COUNT": "../x"}) == f"{os.getppid()}-_x"


def test_processes_of_this_host_are_known():
    assert alive(os.getpid())
    assert not alive(2**22 + 1)


@pytest.mark.torch
def test_over_several_hosts_ranks_meet_at_the_launchers_store():
    torch = pytest.importorskip("torch")
    master = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    first = Remote(torch.distributed, "127.0.0.1", master.port, 0)
    second = Remote(torch.distributed, "127.0.0.1", master.port, 1)
    second.publish(view(1, steps=3, batches={1: 2}))
    deadline = time.monotonic() + 30  # the store does not wait until what was set is there
    while not (others := first.others(range(2), known=set())) and time.monotonic() < deadline:
        pass
    assert others == [view(1, steps=3)]
    assert first.others(range(2), known={1}) == []
    assert master.num_keys() <= 2, "no key but its own, and the store's"


@pytest.mark.torch
def test_a_store_that_is_not_there_is_given_up_soon():
    torch = pytest.importorskip("torch")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Exception, match=r"(?i)time|connect|refused"):
            Remote(torch.distributed, "127.0.0.1", free.getsockname()[1], 0, wait_s=0.2)


@pytest.mark.parametrize(
    ("environ", "world_size", "expected"),
    [
        ({}, 8, 1),
        ({"LOCAL_WORLD_SIZE": "8"}, 8, 1),
        ({"LOCAL_WORLD_SIZE": "8"}, 16, 2),
        ({"SLURM_NNODES": "4"}, 16, 4),
        ({"SLURM_NNODES": "4", "LOCAL_WORLD_SIZE": "16"}, 16, 1),
        ({"LOCAL_WORLD_SIZE": "none"}, 16, 1),
    ],
)
def test_on_how_many_hosts(environ, world_size, expected):
    assert ranks.hosts(environ, world_size) == expected
