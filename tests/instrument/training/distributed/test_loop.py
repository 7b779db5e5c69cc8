"""The loop of steps, recognised from a stack; what threads are doing."""

import threading

from otel_mldebug.instrument.training.distributed.loop import StepLoop
from otel_mldebug.instrument.training.distributed.threads import cpu_s, dump, places, stack_of


def step(loop, at):
    if at == "step":
        loop.note()


def train(loop, seen, at):
    for _ in range(2):
        for _ in range(2):
            step(loop, at)
            if at == "batch":
                seen.append(stack_of(threading.get_ident()))
        if at == "epoch":
            seen.append(stack_of(threading.get_ident()))
    if at == "end":
        seen.append(stack_of(threading.get_ident()))


def where(at):
    loop, seen = StepLoop(), []
    train(loop, seen, "step")
    train(loop, seen, at)
    return {loop.around(stack) for stack in seen}


def test_only_what_is_inside_of_the_loop_of_steps_is():
    assert (where("batch"), where("epoch"), where("end")) == ({True}, {False}, {False})


def test_a_program_without_steps_has_no_loop():
    assert not StepLoop().around(stack_of(threading.get_ident()))


def test_each_of_several_loops_counts():
    loop, seen = StepLoop(), []
    for _ in range(2):
        step(loop, "step")
        inside = stack_of(threading.get_ident())
    train(loop, seen, "step")
    train(loop, seen, "batch")
    assert {loop.around(stack) for stack in (inside, *seen)} == {True}


def test_the_thread_that_steps_is_known():
    loop = StepLoop()
    assert loop.thread == threading.main_thread().ident
    other = threading.Thread(target=loop.note)
    other.start()
    other.join()
    assert loop.thread == other.ident


def test_the_dump_begins_with_the_thread_that_trains_and_leaves_the_calling_one_out():
    go, ready, texts = threading.Event(), threading.Event(), []

    def wait_for_the_lock():
        ready.set()
        go.wait(30)

    waiting = threading.Thread(target=wait_for_the_lock, name="trainer")
    waiting.start()
    assert ready.wait(30)
    ours = threading.Thread(target=go.wait, args=(30,), name="otel-mldebug-test")
    ours.start()
    texts.append(dump(waiting.ident, threading.get_ident()))
    go.set()
    waiting.join()
    ours.join()
    assert texts[0].startswith("thread trainer:\n  File ")
    assert "in wait_for_the_lock\n    go.wait(30)" in texts[0]
    assert "test_the_dump_begins" not in texts[0]
    assert "otel-mldebug-test" not in texts[0]


def test_a_stack_has_the_source_of_its_innermost_line():
    found = places(stack_of(threading.get_ident()))
    assert found[-1].code.startswith(("return _walk(", "frame = "))
    assert [place.code for place in found[:-1]] == [""] * (len(found) - 1)


def test_a_thread_that_is_gone_has_no_stack():
    assert stack_of(2**60) == []
    assert places([]) == []


def test_processor_time_only_grows():
    before = cpu_s(threading.get_ident())
    sum(n * n for n in range(2_000_000))
    assert cpu_s(threading.get_ident()) >= before
