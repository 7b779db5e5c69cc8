"""Exceptions that misbehave in every way they can must not break, block or fool the capture."""

import subprocess
import sys
import textwrap
import threading
import time

import pytest

from otel_mldebug.rules.capture import facts_of
from otel_mldebug.rules.explain import explain


def hostile(**methods):
    return type("Hostile", (Exception,), methods)


def boom(*_):
    raise RuntimeError("not with me")


def recurse(self, *_):
    return str(self)


def leave(*_):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(hostile(__str__=boom)("text"), "text", id="str raises"),
        pytest.param(hostile(__str__=leave)("text"), "text", id="str leaves the program"),
        pytest.param(hostile(__str__=recurse)("text"), "text", id="str recurses"),
        pytest.param(hostile(__str__=lambda self: 3)("text"), "text", id="str returns a number"),
        pytest.param(hostile(__str__=lambda self: None)("text"), "text", id="str returns nothing"),
        pytest.param(hostile(__repr__=boom)("text"), "text", id="repr raises"),
        pytest.param(hostile(__getattr__=boom)("text"), "text", id="getattr raises"),
        pytest.param(hostile(__getattribute__=boom)("text"), "text", id="getattribute raises"),
        pytest.param(hostile(args=property(boom))("text"), "text", id="args raise"),
        pytest.param(hostile(__class__=property(boom))("text"), "text", id="class raises"),
        pytest.param(hostile(__str__=lambda self: "own words")("text"), "own words", id="str of its own"),
        pytest.param(ValueError(), "", id="no arguments"),
        pytest.param(ValueError("a", 2), "('a', 2)", id="two arguments"),
        pytest.param(ValueError("nul \0 and \ud800"), "nul \0 and \ud800", id="NUL and a lone surrogate"),
    ],
)
def test_the_message_of_a_hostile_exception(error, message):
    facts = facts_of(error)
    assert facts.message == message
    assert explain(facts).fingerprint


def test_a_str_that_hangs_costs_at_most_the_budget():
    release = threading.Event()
    error = hostile(__str__=lambda self: str(release.wait(60)))("waiting")
    started_s = time.perf_counter()
    facts = facts_of(error)
    elapsed_s = time.perf_counter() - started_s
    release.set()

    assert facts.message == "waiting"
    assert elapsed_s < 5


def test_arguments_are_described_and_never_printed():
    class Tensor:
        def __repr__(self):
            raise AssertionError("printed")

        __str__ = __repr__

    assert facts_of(ValueError(Tensor())).message.endswith("Tensor")
    assert facts_of(KeyError(Tensor())).message.endswith("Tensor")
    assert "Tensor" in facts_of(ValueError("shape", Tensor())).message
    assert "Tensor" in facts_of(OSError(2, "gone", Tensor())).message


def test_a_metaclass_that_lies_about_names_is_survived():
    class Liar(type):
        def __getattribute__(cls, name):
            raise RuntimeError(name)

    evil = Liar("Evil", (Exception,), {"__module__": "evil"})
    assert facts_of(evil("x")).type == "evil.Evil"


def test_a_module_name_that_is_no_text_is_left_out():
    assert facts_of(hostile(__module__=3)("x")).type == "Hostile"


def test_capturing_at_interpreter_shutdown_and_in_del_works():
    program = textwrap.dedent(
        """
        from otel_mldebug.rules.capture import facts_of
        from otel_mldebug.rules.explain import explain

        class Own(Exception):
            def __str__(self):
                return "own"

        class Late:
            def __del__(self):
                try:
                    raise Own("at the end")
                except Own as exc:
                    facts = facts_of(exc)
                    print(facts.type, facts.message in ("own", "at the end"), explain(facts).rule != "")

        late = Late()
        import sys
        sys.modules["keep"] = late
        """
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert (run.stdout.split(), run.stderr) == (["Own", "True", "True"], "")


def test_numpy_prints_its_own_exceptions():
    numpy = pytest.importorskip("numpy")
    whole = numpy.zeros(2, dtype="int64")
    with pytest.raises(TypeError) as caught:
        whole += 0.5
    assert facts_of(caught.value).message == str(caught.value)
