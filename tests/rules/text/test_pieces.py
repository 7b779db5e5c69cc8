"""Lines that containers cut into pieces."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.text.pieces import CUT_BYTES, MAX_BYTES, whole


def docker(log, stream="stderr"):
    return json.dumps({"log": log, "stream": stream, "time": "2026-11-22T04:00:00.1Z"}) + "\n"


def cri(text, mark, stream="stderr"):
    return f"2026-11-22T04:00:00.123456789Z {stream} {mark} {text}\n"


def joined(lines):
    return list(whole(enumerate(lines, start=1)))


def test_pieces_of_docker_become_one_line():
    first, second = "a" * CUT_BYTES, "b" * CUT_BYTES
    assert joined([docker("x\n"), docker(first), docker(second), docker("c\n"), docker("y\n")]) == [
        (1, docker("x\n")),
        (2, f"{first}{second}c\n"),
        (5, docker("y\n")),
    ]


def test_a_character_that_was_cut_in_two_does_not_matter():
    first = "é" * (CUT_BYTES // 2 - 1) + "\ufffd"
    assert joined([docker(first), docker("z\n")]) == [(1, f"{first}z\n")]


def test_pieces_of_kubernetes_become_one_line():
    lines = [cri("ab", "P"), cri("cd", "P"), cri("ef", "F"), cri("next", "F")]
    assert joined(lines) == [(1, cri("abcdef", "F")), (4, cri("next", "F"))]


def test_pieces_of_two_streams_are_kept_apart():
    lines = [cri("a", "P"), cri("1", "P", "stdout"), cri("b", "F"), "in between\n", cri("2", "F", "stdout")]
    assert joined(lines) == [(1, cri("ab", "F")), (4, "in between\n"), (2, cri("12", "F", "stdout"))]


def test_a_piece_whose_end_is_missing_is_not_lost():
    assert joined([cri("a", "P")]) == [(1, cri("a", "F").rstrip("\n"))]


def test_an_endless_line_is_handed_on_in_parts():
    pieces = [docker("a" * CUT_BYTES)] * (2 * MAX_BYTES // CUT_BYTES)
    parts = [text for _, text in joined(pieces)]
    assert "".join(parts) == "a" * (2 * MAX_BYTES)
    assert max(map(len, parts)) <= MAX_BYTES + CUT_BYTES


@pytest.mark.parametrize(
    "line",
    [
        "loss 0.3\n",
        docker("a whole line whose end somebody took away"),
        docker("a" * CUT_BYTES + "\n"),
        cri("a whole line", "F"),
        json.dumps({"log": "a" * CUT_BYTES, "kubernetes": {"pod_name": "x"}}) + "\n",
        json.dumps({"log": 5, "time": "x"}) + "\n",
        '{"log":"' + "a" * CUT_BYTES,
        "2026-11-22T04:00:00Z stdout P",
    ],
    ids=["text", "short", "full", "CRI", "fluentd", "number", "broken", "nearly CRI"],
)
def test_any_other_line_stays(line):
    assert joined([line, "after\n"]) == [(1, line), (2, "after\n")]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n"), max_size=40), min_size=1))
def test_every_line_comes_back(texts):
    lines = [
        cri(text[i : i + 8], "F" if i + 8 >= len(text) else "P") for text in texts for i in range(0, len(text) or 1, 8)
    ]
    assert [text for _, text in joined(lines)] == [cri(text, "F") for text in texts]
