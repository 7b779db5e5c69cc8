"""Wrappers are unfolded down to the root, whatever they wrap with."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts, Frame
from otel_mldebug.rules.unwrap import MAX_LINKS, causes, facts_of_json, links

INNER = """Traceback (most recent call last):
  File "/opt/conda/lib/python3.11/site-packages/torch/utils/data/_utils/worker.py", line 308, in _worker_loop
    data = fetcher.fetch(index)
  File "/app/data.py", line 7, in __getitem__
    raise ValueError("bad row")
ValueError: bad row
"""


def names(facts):
    return [(link.type, link.message) for link in links(facts)]


WRAPPERS = [
    pytest.param(
        ErrorFacts(type="ValueError", message=f"Caught ValueError in DataLoader worker process 0.\nOriginal {INNER}"),
        [("ValueError", "bad row"), ("ValueError", "Caught ValueError in DataLoader worker process 0.")],
        id="DataLoader worker",
    ),
    pytest.param(
        ErrorFacts(
            type="ValueError",
            message="bad row",
            cause=ErrorFacts(type="multiprocessing.pool.RemoteTraceback", message=f'\n"""\n{INNER}"""'),
        ),
        [("ValueError", "bad row"), ("ValueError", "bad row")],
        id="multiprocessing's remote traceback",
    ),
    pytest.param(
        ErrorFacts(type="TimeoutError", message=f"Task failed\n\n{INNER}"),
        [("ValueError", "bad row"), ("TimeoutError", "Task failed")],
        id="a traceback at the end of a message",
    ),
    pytest.param(
        ErrorFacts(
            type="ray.exceptions.RayTaskError(ValueError)",
            message='ray::f() (pid=3, ip=10.0.0.1)\n  File "/app/d.py", line 7, in f\n    raise X\nValueError: bad row',
        ),
        [("ValueError", "bad row"), ("ray.exceptions.RayTaskError(ValueError)", "ray::f() (pid=3, ip=10.0.0.1)")],
        id="Ray",
    ),
    pytest.param(
        ErrorFacts(
            type="ray.exceptions.RayTaskError(JSONDecodeError)",
            message="\x1b[36mray::outer()\x1b[39m (pid=3, ip=10.0.0.1)\n"
            '  File "/app/a.py", line 7, in outer\n    return ray.get(work.remote(1))\n           ^^^^^^^^^^^\n'
            "ray.exceptions.RayTaskError(JSONDecodeError): \x1b[36mray::work()\x1b[39m (pid=4, ip=10.0.0.1)\n"
            '  File "/app/a.py", line 5, in work\n    return json.loads(text)\n'
            "json.decoder.JSONDecodeError: Expecting value: line 1 column 2 (char 1)",
        ),
        [
            ("json.decoder.JSONDecodeError", "Expecting value: line 1 column 2 (char 1)"),
            ("JSONDecodeError", "ray::work() (pid=4, ip=10.0.0.1)"),
            ("ray.exceptions.RayTaskError(JSONDecodeError)", "ray::outer() (pid=3, ip=10.0.0.1)"),
        ],
        id="a task of Ray's in a task, as Ray 2.60 prints it",
    ),
    pytest.param(
        ErrorFacts(
            type="torch.distributed.elastic.multiprocessing.errors.ChildFailedError",
            message="\n=====\ntrain.py FAILED\n-----\nRoot Cause (first observed failure):\n[0]:\n  rank      : 1\n"
            "  exitcode  : 1 (pid: 7)\n  traceback : " + INNER.replace("\n", "\n  ") + "\n=====",
        ),
        ["ValueError", "torch.distributed.elastic.multiprocessing.errors.ChildFailedError"],
        id="torchrun with @record",
    ),
    pytest.param(
        ErrorFacts(message=json.dumps({"message": {"message": "x", "extraInfo": {"py_callstack": INNER}}})),
        [("ValueError", "bad row"), ("", "error file")],
        id="torchelastic's error file",
    ),
    pytest.param(
        ErrorFacts(type="tenacity.RetryError", message="RetryError[<Future at 0x7f state=finished raised KeyError>]"),
        [
            ("KeyError", ""),
            ("tenacity.RetryError", "RetryError[<Future at 0x7f state=finished raised KeyError>]"),
        ],
        id="tenacity",
    ),
    pytest.param(
        ErrorFacts(
            type="ExceptionGroup",
            message="two (2 sub-exceptions)",
            group=(ErrorFacts(type="ValueError", message="a"), ErrorFacts(type="KeyError", message="b")),
        ),
        [("ValueError", "a"), ("KeyError", "b"), ("ExceptionGroup", "two (2 sub-exceptions)")],
        id="a group",
    ),
    pytest.param(
        ErrorFacts(type="OSError", message="full", cause=ErrorFacts(type="GeneratorExit")),
        [("OSError", "full")],
        id="raised while a generator was closed",
    ),
    pytest.param(ErrorFacts(type="SystemExit", message="1"), [("SystemExit", "1")], id="an end on purpose"),
    pytest.param(ErrorFacts(type="E", message="plain"), [("E", "plain")], id="nothing to unfold"),
    pytest.param(
        ErrorFacts(type="E", message="see Traceback (most recent call last) above"),
        [("E", "see Traceback (most recent call last) above")],
        id="only the words, no traceback",
    ),
]


@pytest.mark.parametrize(("facts", "expected"), WRAPPERS)
def test_links(facts, expected):
    found = names(facts)
    assert (found if isinstance(expected[0], tuple) else [name for name, _ in found]) == expected


def test_frames_of_the_worker_come_with_its_exception():
    root = links(ErrorFacts(type="ValueError", message=f"Caught ValueError\nOriginal {INNER}"))[0]
    assert [(frame.function, frame.line, frame.in_app, frame.code) for frame in root.frames] == [
        ("_worker_loop", 308, False, "data = fetcher.fetch(index)"),
        ("__getitem__", 7, True, 'raise ValueError("bad row")'),
    ]


def test_causes_are_those_that_messages_quote_without_what_only_carries_them():
    remote = ErrorFacts(type="multiprocessing.pool.RemoteTraceback", message=f'\n"""\n{INNER}"""')
    (root,) = causes(ErrorFacts(type="ValueError", message="bad row", cause=remote))
    assert (root.type, root.message, root.frames[-1].function) == ("ValueError", "bad row", "__getitem__")
    assert causes(ErrorFacts(type="ExceptionGroup", group=(root,))) == ()
    kept = ErrorFacts(type="RemoteTraceback", message="nothing to be read")
    assert causes(ErrorFacts(type="ValueError", cause=kept)) == (kept,)


def test_the_root_is_explained_and_an_unknown_root_leaves_it_to_the_wrapper():
    oom = ErrorFacts(type="torch.OutOfMemoryError", message="CUDA out of memory. Tried to allocate 2.00 GiB.")
    assert explain(ErrorFacts(type="MyError", message="step failed", cause=oom)).rule == "cuda.oom"
    known = ErrorFacts(type="ModuleNotFoundError", message="No module named 'x'", cause=ErrorFacts(type="Odd"))
    assert explain(known).rule == "module.missing"


def test_a_launcher_never_hides_the_failure_it_reports():
    odd = ErrorFacts(type="KeyError", message="'frobnicator'")
    launcher = ErrorFacts(type="ChildFailedError", message="train.py FAILED", cause=odd)
    assert explain(launcher).rule == explain(odd).rule


def test_a_very_long_chain_is_bounded():
    facts = ErrorFacts(type="E0")
    for number in range(1, 500):
        facts = ErrorFacts(type=f"E{number}", cause=facts)
    assert len(links(facts)) == MAX_LINKS


def test_the_json_form_is_read_with_its_frames_causes_and_groups():
    facts = facts_of_json(
        {
            "type": "E",
            "message": "m",
            "frames": [{"file": "/app/a.py", "function": "f", "line": 3}, "junk"],
            "cause": {"message": "c"},
            "group": [{"message": "g"}, 5],
            "errno": 28,
        }
    )
    assert facts == ErrorFacts(
        type="E",
        message="m",
        frames=(Frame(file="/app/a.py", function="f", line=3),),
        cause=ErrorFacts(message="c"),
        group=(ErrorFacts(message="g"),),
        attributes={"errno": 28},
    )
    assert facts_of_json(["no object"]) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "message", "frames", "cause", "group", "x"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_json_can_be_explained(value):
    facts = facts_of_json(value)
    if facts is not None:
        assert explain(facts).fingerprint


def test_what_a_lookup_raised_yields_to_what_was_raised_for_want_of_it():
    lookup = ErrorFacts(type="KeyError", message="'frobnicator'")
    known = ErrorFacts(type="ValueError", message="optimizer got an empty parameter list", cause=lookup)
    assert explain(known).rule == "optimizer.no_parameters"
    telling = ErrorFacts(type="KeyError", message="'llama'")
    assert explain(ErrorFacts(type="ValueError", message="step failed", cause=telling)).rule == explain(telling).rule


ERRORS = "1 validation error:\n  {'type': 'float_parsing', 'loc': ('response', 'score'), 'input': 'high'}"


@pytest.mark.parametrize(
    ("message", "functions"),
    [
        pytest.param(
            f'{ERRORS}\n\n  File "/app/main.py", line 53, in score\n    GET /score', ["run", "score"], id="named"
        ),
        pytest.param(f'{ERRORS}\n\n  File "/app/main.py", line 53, in score', ["run", "score"], id="without its path"),
        pytest.param(f"{ERRORS}\n\n  Endpoint: GET /score", ["run"], id="only its path"),
        pytest.param(ERRORS, ["run"], id="older FastAPI"),
        pytest.param(f'{ERRORS}\n  File "/app/main.py", line 53, in score\nand more', ["run"], id="amid the message"),
    ],
)
def test_the_function_whose_answer_fastapi_does_not_accept_is_a_frame(message, functions):
    frame = Frame(file="/env/lib/python3.11/site-packages/starlette/routing.py", function="run", in_app=False)
    (root,) = links(ErrorFacts(type="fastapi.exceptions.ResponseValidationError", message=message, frames=(frame,)))
    assert [frame.function for frame in root.frames] == functions
    assert root.message == (ERRORS if len(functions) > 1 else message)


def test_a_place_in_the_message_of_another_class_stays_there():
    facts = ErrorFacts(type="SyntaxError", message='invalid syntax\n  File "/app/conf.py", line 3, in x')
    assert links(facts) == (facts,)
