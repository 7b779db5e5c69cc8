"""Failures that come from another process: the place where it happened is named, not only who waited for it."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from otel_mldebug.export.failure import explained
from otel_mldebug.rules.redact import Redactor


def broken(number):
    return {"a": 1}[f"missing-{number}"]


def ask(pool):
    return list(pool.map(broken, [3]))


def caught():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            ask(pool)
        except KeyError as exc:
            return exc
    raise AssertionError


def test_a_failure_in_a_pool_names_the_function_that_failed_there():
    found = explained(caught(), Redactor())
    assert found.function == "broken"
    (root,) = found.exception["chain"]
    assert (root["type"], root["message"]) == ("KeyError", "'missing-3'")
    assert (root["frames"][-1]["function"], root["frames"][-1]["code"]) == (
        "broken",
        'return {"a": 1}[f"missing-{number}"]',
    )
    assert [frame["function"] for frame in found.exception["frames"]][:2] == ["caught", "ask"]


def test_the_function_is_that_of_the_root_cause():
    def opening():
        raise FileNotFoundError(2, "No such file or directory", "/data/train.csv")

    def wrapping():
        try:
            opening()
        except OSError as exc:
            raise RuntimeError("no data") from exc

    try:
        wrapping()
    except RuntimeError as exc:
        assert explained(exc, Redactor()).function.endswith("opening")


def test_a_function_that_is_given_stays():
    try:
        broken(1)
    except KeyError as exc:
        assert explained(exc, Redactor(), function="serve").function == "serve"
