"""Failures as they really vary from run to run, in pairs: one group, or two."""

from pathlib import Path

import pytest

from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

ROWS = [
    (line[0], line[2:].split(" | "))
    for line in (Path(__file__).parent / "grouping_pairs.txt").read_text(encoding="utf-8").splitlines()
    if line[:1] in ("=", "!")
]
SAME = [pair for sign, pair in ROWS if sign == "="]
DIFFERENT = [pair for sign, pair in ROWS if sign == "!"]


def group(type_, message):
    return explain(ErrorFacts(type=type_, message=message)).fingerprint


@pytest.mark.parametrize(("type_", "one", "other"), SAME)
def test_what_varies_from_run_to_run_makes_one_group(type_, one, other):
    assert group(type_, one) == group(type_, other)


@pytest.mark.parametrize(("type_", "one", "other"), DIFFERENT)
def test_what_tells_failures_apart_makes_two(type_, one, other):
    assert group(type_, one) != group(type_, other)


def test_there_are_enough_of_them():
    assert len(SAME) >= 40
    assert len(DIFFERENT) >= 25
