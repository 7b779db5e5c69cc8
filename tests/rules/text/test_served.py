"""What servers wrote when a handler failed, shortened: the handler's failure is the one that is told."""

import pytest

from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.text.read import read_text
from otel_mldebug.rules.unwrap import links

SITE = "/env/lib/python3.11/site-packages"
# uvicorn 0.23, Starlette 0.27, anyio 3.7: a middleware waits for messages that never come.
AWAITED = f"""\
INFO:     127.0.0.1:59054 - "GET /sync HTTP/1.1" 500 Internal Server Error
ERROR:    Exception in ASGI application
Traceback (most recent call last):
  File "{SITE}/anyio/streams/memory.py", line 98, in receive
    return self.receive_nowait()
           ^^^^^^^^^^^^^^^^^^^^^
  File "{SITE}/anyio/streams/memory.py", line 93, in receive_nowait
    raise WouldBlock
anyio.WouldBlock

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "{SITE}/starlette/middleware/base.py", line 78, in call_next
    message = await recv_stream.receive()
              ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "{SITE}/anyio/streams/memory.py", line 118, in receive
    raise EndOfStream
anyio.EndOfStream

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "{SITE}/uvicorn/protocols/http/h11_impl.py", line 408, in run_asgi
    result = await app(  # type: ignore[func-returns-value]
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/app/main.py", line 20, in get_model
    return WEIGHTS[name]
           ~~~~~~~^^^^^^
KeyError: 'bert'
INFO:     127.0.0.1:59060 - "GET /fine HTTP/1.1" 200 OK
"""
# uvicorn 0.30, Starlette 0.38, anyio 4.4: the middleware's task group is taken apart again.
COLLAPSED = f"""\
ERROR:    Exception in ASGI application
  + Exception Group Traceback (most recent call last):
  |   File "{SITE}/starlette/_utils.py", line 77, in collapse_excgroups
  |     yield
  |   File "{SITE}/anyio/_backends/_asyncio.py", line 680, in __aexit__
  |     raise BaseExceptionGroup(
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "{SITE}/starlette/middleware/base.py", line 51, in wrapped_receive
    |     msg = await self.receive()
    |           ^^^^^^^^^^^^^^^^^^^^
    | asyncio.exceptions.CancelledError: Cancelled by cancel scope 7f7e6d3363d0
    |
    | During handling of the above exception, another exception occurred:
    |
    | Traceback (most recent call last):
    |   File "/app/main.py", line 20, in get_model
    |     return WEIGHTS[name]
    |            ~~~~~~~^^^^^^
    | KeyError: 'bert'
    +------------------------------------

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "{SITE}/uvicorn/protocols/http/h11_impl.py", line 406, in run_asgi
    result = await app(  # type: ignore[func-returns-value]
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/app/main.py", line 20, in get_model
    return WEIGHTS[name]
           ~~~~~~~^^^^^^
KeyError: 'bert'
"""
# The same from a task group of the app's own, which nothing takes apart.
GROUPED = (
    COLLAPSED.partition("\nDuring handling of the above exception, another exception occurred:\n\nTrace")[0]
    + 'INFO:     127.0.0.1:59060 - "GET /fine HTTP/1.1" 200 OK\n'
)
# uvicorn 0.54: the traceback of an app that cannot start is the message of a record.
STARTING = f"""\
INFO:     Waiting for application startup.
ERROR:    Traceback (most recent call last):
  File "{SITE}/starlette/routing.py", line 661, in lifespan
    async with self.lifespan_context(app) as maybe_state:
  File "/app/main.py", line 20, in get_model
    return WEIGHTS[name]
           ~~~~~~~^^^^^^
KeyError: 'bert'

ERROR:    Application startup failed. Exiting.
"""
# Gradio 6.31: nothing but tracebacks, one after the other.
PRINTED = f"""\
Traceback (most recent call last):
  File "{SITE}/gradio/queueing.py", line 870, in process_events
    response = await route_utils.call_process_api(
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "{SITE}/gradio/utils.py", line 1116, in wrapper
    response = f(*args, **kwargs)
               ^^^^^^^^^^^^^^^^^^
  File "/app/main.py", line 20, in get_model
    return WEIGHTS[name]
           ~~~~~~~^^^^^^
KeyError: 'bert'
"""
# An app of Gradio that tells its user something else.
HIDDEN = (
    PRINTED
    + f"""
During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "{SITE}/gradio/queueing.py", line 870, in process_events
    response = await route_utils.call_process_api(
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/app/main.py", line 23, in predict
    raise gr.Error("The model is not available.")
gradio.exceptions.Error: 'The model is not available.'
"""
)


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(AWAITED, id="signals of streams before it"),
        pytest.param(COLLAPSED, id="in a group and once more"),
        pytest.param(GROUPED, id="in a group"),
        pytest.param(STARTING, id="as the message of a record"),
        pytest.param(PRINTED, id="printed by Gradio"),
        pytest.param(HIDDEN, id="behind what Gradio shows"),
    ],
)
def test_the_failure_of_the_handler_is_told_once(log):
    (seen,) = read_text(log)
    root = links(seen.facts)[0]
    assert (root.type, root.message) == ("KeyError", "'bert'")
    assert [frame.function for frame in root.frames if frame.in_app] == ["get_model"]
    assert explain(seen.facts).rule == explain(root).rule == "structure.index"


def test_several_failures_of_a_gradio_app_are_as_many():
    other = PRINTED.replace("KeyError: 'bert'", "gradio.exceptions.Error: 'Please upload an image first.'")
    assert [seen.facts.name for seen in read_text(PRINTED + other + PRINTED)] == ["KeyError", "Error", "KeyError"]


def test_a_task_that_was_called_off_and_nothing_else_stands_for_itself():
    log = 'Traceback (most recent call last):\n  File "/app/main.py", line 3, in wait\n    await job\n'
    (seen,) = read_text(log + "asyncio.exceptions.CancelledError\n")
    assert [link.name for link in links(seen.facts)] == ["CancelledError"]
