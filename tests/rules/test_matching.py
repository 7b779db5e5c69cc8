"""Which entry says most about a failure does not depend on the order of entries."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.catalogue.loader import builtin, read
from otel_mldebug.rules.catalogue.pattern import TYPE, Pattern
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts, Frame
from otel_mldebug.rules.matching import MAX_HEAD, MAX_TAIL, Matcher, Subject, readable

TEXTS = 'category = "data"\nsummary = "S."\nsolutions = ["A."]\n'


@pytest.fixture
def patterns(tmp_path):
    def make(*entries):
        path = tmp_path / "p.toml"
        text = "".join(f'[[pattern]]\nid = "{name}"\n{TEXTS}{rest}\n' for name, rest in entries)
        path.write_text(text, encoding="utf-8")
        return tuple(Pattern(entry) for entry in read(path, complete=False))

    return make


SITE = "/x/lib/python3.11/site-packages/"
LIBRARY = Frame(file=SITE + "torch/utils/data/dataloader.py", function="f", in_app=False)
STDLIB = Frame(file="/usr/lib/python3.11/json/decoder.py", function="g", in_app=False)
OWN = Frame(file="/app/train.py", function="main")


@pytest.mark.parametrize(
    ("condition", "facts", "matches"),
    [
        ('{ type = "a.b.Odd" }', ErrorFacts(type="a.b.Odd"), True),
        ('{ type = "a.b.Odd" }', ErrorFacts(type="x.Odd"), False),
        ('{ type = "Odd" }', ErrorFacts(type="x.Odd"), True),
        ('{ type = "Odd" }', ErrorFacts(type="Odder"), False),
        ('{ type = "OSError" }', ErrorFacts(type="x.Gone", bases=("OSError", "Exception")), True),
        ('{ type = "*Time*" }', ErrorFacts(type="x.ReadTimeout"), True),
        ('{ type = "*Time*" }', ErrorFacts(type="TimeSeries.Error"), False),
        ('{ type = "x.*" }', ErrorFacts(type="x.Gone"), True),
        ('{ type = ["A", "B"] }', ErrorFacts(type="B"), True),
        ("{ message = 'no rows' }", ErrorFacts(message="There are NO\n   rows here"), True),
        ("{ message = 'no rows' }", ErrorFacts(message="no row"), False),
        ("{ message = 'no rows' }", ErrorFacts(message="\x1b[31mno\x1b[0m rows"), True),
        ("{ type = \"A\", message = 'no rows' }", ErrorFacts(type="B", message="no rows"), False),
        ("{ type = \"KeyError\", message = '^.\\w+.$' }", ErrorFacts(type="KeyError", message="'x'"), True),
        ("{ type = \"KeyError\", message = '^.\\w+.$' }", ErrorFacts(type="KeyError", message="'x y'"), False),
        ("{ message = ['no rows', 'no columns'] }", ErrorFacts(message="no columns"), True),
        ("{ cause = 'KeyError: .?k' }", ErrorFacts(type="A", cause=ErrorFacts(type="KeyError", message="'k'")), True),
        ("{ cause = 'KeyError: .?k' }", ErrorFacts(type="KeyError", message="'k'"), False),
        ('{ library = "torch" }', ErrorFacts(type="ValueError", frames=(OWN, LIBRARY)), True),
        ('{ library = "torch" }', ErrorFacts(type="ValueError", frames=(OWN, LIBRARY, STDLIB)), True),
        ('{ library = "torch" }', ErrorFacts(type="ValueError", frames=(LIBRARY, OWN)), False),
        ('{ library = "torch" }', ErrorFacts(type="torch.OutOfMemoryError"), True),
        ('{ library = "stdlib" }', ErrorFacts(type="ValueError", frames=(OWN, STDLIB)), False),
        ('{ where = "torch/utils/data" }', ErrorFacts(type="E", frames=(OWN, LIBRARY)), True),
        ('{ where = "torch/optim" }', ErrorFacts(type="E", frames=(OWN, LIBRARY)), False),
        ("{ code = { errno = 28 } }", ErrorFacts(message="[Errno 28] full"), True),
        ("{ code = { errno = 28 } }", ErrorFacts(message="full", attributes={"errno": 28}), True),
        ("{ code = { errno = 28 } }", ErrorFacts(message="[Errno 2] gone"), False),
        ('{ code = { status = "5??" } }', ErrorFacts(message="HTTP Error 503: busy"), True),
        ('{ code = { status = "5??" } }', ErrorFacts(message="503 images were read"), False),
        ("{ code = { signal = 9 } }", ErrorFacts(message="exitcode: -9"), True),
        ("{ code = { signal = 9 } }", ErrorFacts(message="exited with code 137"), True),
        ("{ code = { signal = 9 } }", ErrorFacts(message="died of SIGKILL"), True),
    ],
)
def test_a_condition(patterns, condition, facts, matches):
    hit = Matcher(patterns(("a.a", f"match = [{condition}]"))).best(Subject(facts), expired=lambda: False)
    assert (hit is not None) == matches


ENTRIES = [
    ("a.long", "match = [{ message = 'connection to the database refused' }]"),
    ("a.short", "match = [{ message = 'refused' }]"),
    ("a.typed", "match = [{ type = \"DbError\", message = 'refused' }]"),
    ("a.type", 'match = [{ type = "DbError" }]'),
    ("a.general", "general = true\nmatch = [{ message = 'connection to the database' }]"),
    ("a.shape", "basis = \"structure\"\nmatch = [{ message = 'connection' }]"),
]


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (ErrorFacts(type="DbError", message="connection to the database refused"), "a.long"),
        (ErrorFacts(type="DbError", message="refused"), "a.typed"),
        (ErrorFacts(type="OSError", message="refused"), "a.short"),
        (ErrorFacts(type="DbError", message="connection to the database lost"), "a.type"),
        (ErrorFacts(type="OSError", message="connection to the database lost"), "a.general"),
        (ErrorFacts(type="OSError", message="connection lost"), "a.shape"),
        (ErrorFacts(type="Odd", message="nothing"), "unknown"),
    ],
)
def test_the_most_telling_entry_wins_in_any_order(patterns, facts, rule):
    entries = list(patterns(*ENTRIES))
    for seed in range(5):
        random.Random(seed).shuffle(entries)
        assert explain(facts, tuple(entries)).rule == rule


@given(st.text("ab ", max_size=9), st.text("ab ", max_size=9))
def test_a_piece_is_found_wherever_it_stands(before, after):
    hit = Matcher(builtin()).best(Subject(ErrorFacts(message=f"{before}CUDA out of memory{after}")), expired=bool)
    assert hit is not None
    assert hit.pattern.id == "cuda.oom"


def test_when_the_time_is_up_no_further_expression_is_tried(patterns):
    entries = [(f"a.a{number}", f"match = [{{ message = 'declined.{number}' }}]") for number in range(20)]
    known = patterns(*entries, ("a.last", "general = true\nmatch = [{ message = 'declined' }]"))
    facts = ErrorFacts(type="Odd", message="declined")
    assert explain(facts, known).rule == "a.last"
    clock = iter([0.0, *[99.0] * 50])
    assert explain(facts, known, clock=lambda: next(clock)).rule == "unknown"


def test_a_wrapper_that_knows_more_wins_over_its_cause(patterns):
    cause = ErrorFacts(type="OSError", message="connection refused")
    wrapped = ErrorFacts(type="OSError", message="the hub is away", cause=cause)
    entries = [("a.cause", "match = [{ message = 'refused' }]"), ("a.hub", "match = [{ message = 'hub is away' }]")]
    assert explain(wrapped, patterns(*entries)).rule == "a.cause"
    entries[1] = ("a.hub", "over_cause = true\nmatch = [{ message = 'hub is away' }]")
    assert explain(wrapped, patterns(*entries)).rule == "a.hub"


@given(st.text(max_size=20_000))
def test_a_readable_message_is_bounded(text):
    assert len(readable(text)) <= MAX_HEAD + MAX_TAIL + 1


def test_native_frames_and_ranks_are_not_part_of_what_is_compared():
    frames = (
        "\nException raised from operator() at ../aten/src/ATen/native/Loss.cpp:12 (most recent call first):"
        "\nframe #0: c10::Error::Error(c10::SourceLocation, std::string) + 0x57 (0x7f2e in /lib/libc10.so)"
        "\nframe #1: <unknown function> + 0x29c8f2 (0x7f2e in /lib/libtorch_python.so)\n"
    )
    assert readable(f"[rank3]: sizes differ{frames}[rank3]: on rank 3") == "sizes differ on rank 3"
    assert readable("frame #12 of the video is broken") == "frame #12 of the video is broken"
    assert readable("see frame #1: it is empty") == "see frame #1: it is empty"


def test_the_end_of_a_long_message_is_compared_too():
    assert explain(ErrorFacts(message="x " * 5_000_000 + "CUDA out of memory")).rule == "cuda.oom"


NAMED = [
    (name, pattern.id)
    for pattern in builtin()
    for match in pattern.matches
    if match.tier == TYPE and not (match.code or match.cause or match.library or match.where)
    for name in match.types
    if "*" not in name
]


@pytest.mark.parametrize("name", sorted({name for name, _ in NAMED}))
def test_a_class_is_explained_by_an_entry_that_names_it(name):
    rules = {rule for other, rule in NAMED if other.rpartition(".")[2] == name.rpartition(".")[2]}
    assert explain(ErrorFacts(type=name, message="qqq")).rule in rules
