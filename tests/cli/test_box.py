"""The box: always as wide as asked, never higher than asked, and shortened where it hurts least."""

from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.cli.box import Section, draw, lines_needed
from otel_mldebug.cli.render import Look, columns

sections = st.lists(
    st.builds(
        Section,
        label=st.sampled_from(["what", "", "recorded"]),
        text=st.text(max_size=300) | st.text("ab 漢字e\u0301", max_size=300),
        literal=st.booleans(),
        style=st.sampled_from(["", "bad", "good"]),
        most=st.integers(1, 3),
        least=st.integers(0, 1),
        weight=st.integers(0, 100),
    ),
    max_size=12,
)


@given(sections, st.text(max_size=80), st.integers(40, 100), st.booleans())
def test_whatever_is_in_it_the_box_keeps_its_width_and_height(made, title, width, unicode):
    lines = draw(title, made, Look(width=width, unicode=unicode), height=14)
    assert {columns(line) for line in lines} == {width}
    assert len(lines) <= 14


@given(sections)
def test_without_a_limit_it_is_as_high_as_was_said(made):
    look = Look(width=60)
    assert len(draw("title", made, look, height=100)) == lines_needed(made, look)


def test_a_small_box_to_look_at():
    made = [
        Section(label="what", text="The loss is NaN at step 60 and stays so until the end.", most=2),
        Section(label="try", text="1. Clip gradients."),
        Section(label="next", text="otel-mldebug errors   # all", literal=True),
    ]
    assert draw("otel-mldebug: critical", made, Look(width=50)) == [
        "┌─ otel-mldebug: critical ───────────────────────┐",
        "│ what     The loss is NaN at step 60 and stays  │",
        "│          so until the end.                     │",
        "│ try      1. Clip gradients.                    │",
        "│ next     otel-mldebug errors   # all           │",
        "└────────────────────────────────────────────────┘",
    ]


def test_in_plain_ascii():
    assert draw("t", [Section(label="why", text="word " * 20)], Look(width=40, unicode=False)) == [
        "+- t ----------------------------------+",
        "| why      word word word word word... |",
        "+--------------------------------------+",
    ]


def test_the_section_of_least_weight_gives_up_its_lines_first():
    words = "one two three four five six seven eight nine ten eleven twelve thirteen"
    made = [
        Section(label="a", text=words, most=3, weight=2),
        Section(label="b", text=words, most=3, weight=1),
        Section(label="c", text=words, most=3, least=0, weight=3),
    ]

    def labels(height):
        lines = draw("", made, Look(width=41), height=height)[1:-1]
        return "".join(line[2] for line in lines).replace(" ", ".")

    assert [labels(height) for height in (11, 10, 9, 8, 7, 6, 5, 4)] == [
        "a..b..c..",
        "a..b.c..",
        "a..bc..",
        "a.bc..",
        "abc..",
        "abc.",
        "abc",
        "ab",
    ]


def test_what_cannot_give_up_more_is_shown_although_it_does_not_fit():
    made = [Section(label=str(number), text="x") for number in range(5)]
    assert len(draw("", made, Look(width=40), height=4)) == 7


def test_nothing_that_a_terminal_would_obey_gets_through():
    (line,) = draw("", [Section(label="what", text="a\x1b[2Jb\r\nc\x07")], Look(width=40))[1:-1]
    assert line == "│ what     a [2Jb c                    │"


def test_colours_do_not_count_as_columns():
    plain = draw("t", [Section(label="what", text="x", style="bad")], Look(width=40), style="good")
    painted = draw("t", [Section(label="what", text="x", style="bad")], Look(width=40, colour=True), style="good")
    assert painted[1] == "│ \x1b[2mwhat     \x1b[0m\x1b[1;31mx\x1b[0m                           │"
    assert [line.replace("\x1b[1;32m", "").replace("\x1b[0m", "") for line in painted[:1]] == plain[:1]
