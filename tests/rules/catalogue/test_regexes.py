"""Expressions are judged before they are used: what they need, and whether they can run away."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.catalogue.index import KEY
from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.catalogue.pattern import compiled
from otel_mldebug.rules.catalogue.regexes import danger, key, leads, literals
from otel_mldebug.rules.matching import MAX_HEAD, MAX_TAIL

EXPRESSIONS = sorted({match.message for pattern in builtin() for match in pattern.matches if match.message})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("CUDA out of memory", ("cuda out of memory",)),
        (r"tried to allocate ([\d.]+) GiB", ("tried to allocate ", " gib")),
        (r"mat1 and mat2 shapes .{0,20}\(\d+", ("mat1 and mat2 shapes ",)),
        ("(?:abc|abd) end", (" end",)),
        ("(abc)+def", ("abc", "def")),
        ("(abc)?def", ("def",)),
        ("a|b", ()),
        (r"\d+", ()),
        ("^start$", ("start",)),
    ],
)
def test_fixed_pieces(expression, expected):
    assert literals(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("CUDA out", [("cuda out",)]),
        (r"\.(?:pth|safetensors)\b .{0,9}(?:x|y)", [("pth",), ("safetensors",)]),
        ("(?:not found|not there) in", [("found",), ("there",)]),
        ("(?:file|data)", [("file",), ("data",)]),
        ("(?:a|data)", [()]),
    ],
)
def test_pieces_of_alternatives(expression, expected):
    assert [lead.pieces[:1] for lead in leads(expression)] == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("CUDA out", [()], id="no branches"),
        pytest.param("of the table .*(?:lost|gone)", [(("lost", "gone"),)], id="one of two words"),
        pytest.param("of the table .*(?:lost|gone)?", [()], id="which may be missing"),
        pytest.param("of the table .*(?:lost|x)", [()], id="one of them too short to be looked for"),
        pytest.param("of the table (?:by|in) the file", [(("by", "in"),)], id="two characters are enough"),
        pytest.param("of the table (?:the|at) end", [()], id="in the fixed piece"),
        pytest.param("(?:[Rr]ow|[Ll]ine)s (?:lost|gone)", [(("ow", "ine"),)] * 2, id="some lead, others are needed"),
        pytest.param("a (?:table (?:one|two)|file)", [(("one", "two"),), ()], id="what only one branch needs"),
    ],
)
def test_what_else_a_text_needs(expression, expected):
    assert [lead.needs for lead in leads(expression)] == expected


@pytest.mark.parametrize(
    ("expression", "harmless"),
    [
        (r"(a+)+b", False),
        (r"(?:\d+,?)*x", False),
        (r"(.{0,9})*", False),
        (r"a.*b.*c.*d", False),
        (r".*abc", False),
        (r"\s*\s*\s*\s*\s*x", False),
        (r"abc .{0,80} def .{0,80}", True),
        (r"(\d+)x(\d+) and (\d+)x(\d+) and (\d+)", True),
        (r"'[^']*' is not '[^']*' or '[^']*'", True),
        (r"a (?:b )?(?:c )?(?:d )?e", True),
        (r"(?:abc){2}", True),
        (r"one.*two", True),
    ],
)
def test_danger(expression, harmless):
    assert (danger(expression) == "") == harmless


@given(st.lists(st.text("abcxyz ", min_size=3, max_size=20), min_size=1, max_size=3))
def test_the_key_is_in_every_text_that_holds_the_pieces(pieces):
    assert key(pieces) in " - ".join(pieces)
    assert 3 <= len(key(pieces)) <= KEY


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_our_expressions_are_fast_on_bait_made_of_their_own_pieces(expression):
    pieces = leads(expression)[0].pieces or ("x",)
    limit = MAX_HEAD + MAX_TAIL
    baits = [
        ("".join(pieces) * limit)[:limit],
        (" ".join(reversed(pieces)) + " " * 9)[:limit] * 9,
        pieces[0] + "1" * limit,
        pieces[0] + "a b " * (limit // 4),
        (pieces[0] + "'\"[(," * 3) * (limit // (len(pieces[0]) + 15)),
    ]
    search = compiled(expression).search
    started_s = time.process_time()
    for bait in baits:
        search(bait[:limit])
    assert time.process_time() - started_s < 0.5


@given(expression=st.sampled_from(EXPRESSIONS), data=st.data())
def test_whatever_an_expression_matches_holds_its_pieces(expression, data):
    text = data.draw(st.from_regex(re.compile(expression, re.IGNORECASE | re.ASCII)))
    text = text.lower()
    assert any(
        all(piece in text for piece in pieces) and all(any(piece in text for piece in one) for one in needs)
        for pieces, needs in leads(expression)
    )
