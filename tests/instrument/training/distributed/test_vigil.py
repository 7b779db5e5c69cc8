"""The vigil with a clock of its own: when a hang is told, what it goes by, and that it is told once."""

import math
from types import SimpleNamespace

import pytest

from otel_mldebug.instrument import sink
from otel_mldebug.instrument.training.distributed.settings import Settings
from otel_mldebug.instrument.training.distributed.standing import Standing
from otel_mldebug.instrument.training.distributed.vigil import Vigil
from otel_mldebug.rules.ranks import RankView

CODE = {name: (lambda: None).__code__.replace(co_name=name, co_filename=f"/home/me/{name}.py") for name in ("a", "b")}


class Memory(sink.NullSink):
    """Keeps findings."""

    def __init__(self):
        self.found = []

    def finding(self, finding, **where):
        self.found.append((finding.rule, finding.evidence.get("step"), where))


class World:
    """A process whose training thread does what a test says, second by second."""

    def __init__(self, timeout_s=4.0):
        self.now, self.cpu = 100.0, 0.0
        self.stack = [(CODE["a"], 10, 12)]
        self.recorder = SimpleNamespace(index=5, cells={}, latest=None)
        self.standing = Standing(
            self.recorder,
            None,
            clock=lambda: self.now,
            stack_of=lambda _: self.stack,
            cpu_s=lambda _: self.cpu,
            group=lambda: None,
        )
        self.standing.loop = SimpleNamespace(thread=1, around=lambda stack: stack[0][1] < 50)
        asked = Settings(hang_timeout=timeout_s)
        self.vigil = Vigil(self.standing, clock=lambda: self.now, asked=lambda: asked)

    def seconds(self, count, *, cpu=0.0, steps=0, each_s=0.5):
        for _ in range(int(count / each_s)):
            self.now += each_s
            self.cpu += cpu * each_s
            self.recorder.index += steps
            self.vigil.look()


@pytest.fixture
def told(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    memory = Memory()
    sink.install(memory)
    yield memory.found
    sink.install(None)


def rules(told):
    return [(rule, step) for rule, step, _ in told]


def test_a_hang_is_told_once_with_the_stacks_and_that_work_goes_on(told):
    world = World()
    world.seconds(3.0)
    assert told == []
    world.seconds(30.0)
    assert rules(told) == [("training.hang", 5)]
    where = told[0][2]
    assert where["step"] == 5
    assert "test_a_hang_is_told_once" not in where["context"]["stacks"], "the calling thread is ours, and left out"
    world.seconds(5.0, steps=1)
    assert rules(told) == [("training.hang", 5), ("training.resumed", 5)]
    world.seconds(30.0)
    assert rules(told)[2:] == [("training.hang", 15)], "another hang"


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(lambda world: world.seconds(60.0, steps=1), id="steps are made"),
        pytest.param(lambda world: world.seconds(60.0, cpu=0.5), id="something is computed"),
        pytest.param(lambda world: [_move(world, n) for n in range(120)], id="other places in the code"),
        pytest.param(lambda world: [_batch(world) for _ in range(120)], id="batches come"),
        pytest.param(lambda world: (_leave(world), world.seconds(60.0)), id="after the loop"),
        pytest.param(lambda world: world.seconds(600.0, each_s=300.0), id="the whole process was stopped"),
    ],
)
def test_no_hang(told, live):
    world = World()
    live(world)
    assert told == []


def _move(world, n):
    world.stack = [(CODE["a"], 10 + n % 2, 12)]
    world.seconds(0.5)


def _batch(world):
    class Iterator:
        _num_yielded = 0

    if not world.standing.iterators:
        world.iterator = Iterator()
        world.standing.iterators.add(world.iterator)
    world.iterator._num_yielded += 1
    world.seconds(0.5)


def _leave(world):
    world.stack = [(CODE["b"], 60, 30)]


def test_never_is_never(told):
    world = World(math.inf)
    world.seconds(3600.0, each_s=1.0)
    assert told == []


def test_before_the_first_step_a_program_may_take_its_time(told):
    world = World()
    world.recorder.index = 0
    world.seconds(60.0)
    assert told == []


@pytest.mark.parametrize(("world_size", "usual_s"), [(1, 4.0), (2, 1.0)])
def test_the_time_between_two_looks_fits_the_setting_and_whether_other_ranks_wait_for_it(world_size, usual_s):
    ticks = {}
    for timeout_s in (4.0, 0.0, math.inf):
        world = World(timeout_s)
        world.standing.view = RankView(rank=0, world_size=world_size)
        ticks[timeout_s] = world.vigil._tick_s()
    assert ticks == {4.0: 0.5, 0.0: usual_s, math.inf: usual_s}


def test_a_process_that_has_not_begun_ends_without_a_look(told):
    world = World()
    world.vigil.end()
    assert told == []


def test_a_worker_of_a_dataloader_starts_no_thread():
    world = World()
    worker = SimpleNamespace(utils=SimpleNamespace(data=SimpleNamespace(get_worker_info=lambda: object())))
    vigil = Vigil(world.standing, worker, asked=Settings)
    vigil.begin()
    assert vigil._thread is None
    main = SimpleNamespace(utils=SimpleNamespace(data=SimpleNamespace(get_worker_info=lambda: None)))
    vigil = Vigil(world.standing, main, asked=Settings)
    vigil.begin()
    assert vigil._thread.daemon
    vigil.end()
    vigil.begin()
    assert vigil._thread is None, "what has ended does not start again"


def test_a_forked_child_has_no_thread_and_may_have_one_of_its_own():
    world = World()
    world.vigil.begin()
    parents, stop = world.vigil._thread, world.vigil._stop
    world.vigil.after_fork()
    assert world.vigil._thread is None
    stop.set()  # in the child it would not be there
    world.vigil.begin()
    assert world.vigil._thread is not parents
    world.vigil.end()
