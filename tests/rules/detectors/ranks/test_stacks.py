"""What a thread is doing, by its stack; loops, by the bytecode."""

import pytest

from otel_mldebug.rules.detectors.ranks.loops import loop_around, loops
from otel_mldebug.rules.detectors.ranks.stacks import Place, position

TORCH = "/venv/lib/python3.11/site-packages/torch"
STDLIB = "/usr/lib/python3.11"
MAIN = Place("/home/me/train.py", "main", 12)
BACKWARD = (
    Place(f"{TORCH}/_tensor.py", "backward", 623),
    Place(f"{TORCH}/autograd/__init__.py", "backward", 395),
    Place(f"{TORCH}/autograd/graph.py", "_engine_run_backward", 1113),
)
REDUCE = (
    Place(f"{TORCH}/distributed/c10d_logger.py", "wrapper", 83),
    Place(f"{TORCH}/distributed/distributed_c10d.py", "all_reduce", 2806),
)
LOADER = (
    Place(f"{TORCH}/utils/data/dataloader.py", "__next__", 708),
    Place(f"{TORCH}/utils/data/dataloader.py", "_try_get_data", 1275),
    Place(f"{STDLIB}/multiprocessing/queues.py", "get", 113),
    Place(f"{STDLIB}/selectors.py", "select", 415),
)
LAYER = (
    Place(f"{TORCH}/nn/modules/module.py", "_call_impl", 1751),
    Place("/home/me/model.py", "forward", 30),
    Place(f"{TORCH}/nn/modules/module.py", "_call_impl", 1751),
    Place(f"{TORCH}/nn/modules/linear.py", "forward", 125),
)


@pytest.mark.parametrize(
    ("stack", "phase", "operation", "place"),
    [
        pytest.param((MAIN,), "other", "", "main (train.py:12)", id="the program itself"),
        pytest.param((MAIN, *LOADER), "data", "", "main (train.py:12)", id="waits for a worker"),
        pytest.param(
            (
                MAIN,
                LOADER[0],
                Place(f"{TORCH}/utils/data/_utils/fetch.py", "fetch", 54),
                Place("/home/me/d.py", "get", 7),
            ),
            "data",
            "",
            "get (d.py:7)",
            id="in the dataset",
        ),
        pytest.param((MAIN, *LAYER), "forward", "", "forward (model.py:30)", id="in a layer"),
        pytest.param((MAIN, *BACKWARD), "backward", "", "main (train.py:12)", id="backward"),
        pytest.param((MAIN, *REDUCE), "collective", "all_reduce", "main (train.py:12)", id="a collective"),
        pytest.param(
            (MAIN, *LAYER, *REDUCE), "collective", "all_reduce", "forward (model.py:30)", id="a collective in a layer"
        ),
        pytest.param(
            (MAIN, Place(f"{TORCH}/distributed/distributed_c10d.py", "init_process_group", 1700), *REDUCE),
            "collective",
            "init_process_group",
            "main (train.py:12)",
            id="joining",
        ),
        pytest.param(
            (MAIN, Place(f"{TORCH}/nn/parallel/distributed.py", "_sync_buffers", 2200)),
            "collective",
            "_sync_buffers",
            "main (train.py:12)",
            id="buffers",
        ),
        pytest.param(
            (MAIN, Place(f"{TORCH}/optim/optimizer.py", "wrapper", 1), Place(f"{TORCH}/optim/sgd.py", "step", 80)),
            "optimizer",
            "",
            "main (train.py:12)",
            id="optimizer",
        ),
        pytest.param((Place(f"{STDLIB}/threading.py", "wait", 3),), "other", "", "", id="none of the user's"),
        pytest.param((), "other", "", "", id="no stack"),
    ],
)
def test_phase_operation_and_place(stack, phase, operation, place):
    found = position(stack)
    assert (found.phase, found.operation, found.place, found.attended) == (phase, operation, place, False)


def test_a_wrapped_model_waits_for_the_other_ranks_in_its_backward_pass():
    assert position((MAIN, *BACKWARD), wrapped=True).operation == "gradient synchronisation"
    hook = Place("/home/me/hooks.py", "clip", 9)
    assert position((MAIN, *BACKWARD, hook, hook), wrapped=True).phase == "backward"


@pytest.mark.parametrize(
    ("inner", "attended"),
    [
        pytest.param(
            (Place(f"{STDLIB}/bdb.py", "dispatch_line", 1), Place(f"{STDLIB}/cmd.py", "cmdloop", 2)), True, id="pdb"
        ),
        pytest.param(
            (Place("/venv/lib/python3.11/site-packages/IPython/terminal/embed.py", "mainloop", 3),), True, id="IPython"
        ),
        pytest.param((Place("/home/me/train.py", "main", 5, "answer = input('go on? ')"),), True, id="a prompt"),
        pytest.param((Place("/home/me/train.py", "main", 5, "for line in sys.stdin:"),), True, id="reads a pipe"),
        pytest.param(
            (Place("/home/me/train.py", "main", 5, "loss = model.input(x)"),), False, id="a method called input"
        ),
        pytest.param(
            (Place("/home/me/train.py", "main", 5, "check_input(x)"),), False, id="a function with input in it"
        ),
    ],
)
def test_whether_a_person_holds_it(inner, attended):
    assert position((MAIN, *inner)).attended is attended


def test_a_notebook_is_not_a_person_that_holds_it():
    kernel = Place("/venv/lib/python3.11/site-packages/ipykernel/zmqshell.py", "run_cell", 549)
    cell = Place("/tmp/ipykernel_12/381.py", "<module>", 4)
    assert not position((kernel, cell, *BACKWARD)).attended


def train(loader, step, evaluate):
    for _ in range(3):
        for batch in loader:
            step(batch)
        evaluate()
    return step


def offsets(name):
    import dis

    return [i.offset for i in dis.get_instructions(train) if i.argval == name and i.opname.startswith("LOAD_FAST")]


def test_the_innermost_loop_is_the_one_around_the_step():
    in_batch_loop, after_both = offsets("step")
    (in_epoch_loop,) = offsets("evaluate")
    inner, outer = loops(train.__code__)
    assert loop_around(train.__code__, in_batch_loop) == inner
    assert loop_around(train.__code__, in_epoch_loop) == outer
    assert loop_around(train.__code__, after_both) is None
    assert outer[0] <= inner[0]
    assert inner[1] <= outer[1]


def handled(loader, step, after):
    while loader:
        try:
            with loader:
                step(loader)
        except ValueError:  # noqa: PERF203
            continue
    after(loader)
    return step


def test_what_follows_a_loop_with_handlers_in_it_is_outside():
    import dis

    named = [(i.offset, i.argval) for i in dis.get_instructions(handled) if i.opname.startswith("LOAD_FAST")]
    inside = next(offset for offset, name in named if name == "step")
    outside = next(offset for offset, name in named if name == "after")
    assert loop_around(handled.__code__, inside) is not None
    assert loop_around(handled.__code__, outside) is None


def test_a_function_without_loops_has_none():
    assert loops((lambda x: x + 1).__code__) == ()
