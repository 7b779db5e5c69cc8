"""What was learned from labelled failures corrects the form of a message where nothing else is known."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts, Frame
from otel_mldebug.rules.matching import Subject
from otel_mldebug.rules.structure import learned
from otel_mldebug.semconv.names import Category

WORDS = ["attention", "loss", "epoch", "tokenizer", "port", "rank", "column", "import", "file"]
SITE = "/x/lib/python3.11/site-packages/"


@pytest.fixture
def without_weights(monkeypatch, tmp_path):
    monkeypatch.setattr(learned, "WEIGHTS", tmp_path / "weights.json")
    learned._weights.cache_clear()
    learned._concluded.cache_clear()
    yield tmp_path / "weights.json"
    learned._weights.cache_clear()
    learned._concluded.cache_clear()


def explained(name, message, **more):
    return explain(ErrorFacts(type=name, message=message, **more))


def test_every_weight_is_a_number_for_a_category():
    weights = json.loads(learned.WEIGHTS.read_text(encoding="utf-8"))
    categories = {str(category) for category in Category}
    assert set(weights[""]) == categories
    assert all(set(row) <= categories and all(type(n) is int for n in row.values()) for row in weights.values())


def test_the_weights_are_small_enough_to_be_read_at_the_first_unknown_failure():
    assert learned.WEIGHTS.stat().st_size < 300_000


@pytest.mark.parametrize(
    ("name", "message", "category"),
    [
        (
            "AssertionError",
            "The confusion matrix has other classes than those that were predicted",
            Category.EVALUATION,
        ),
        ("AssertionError", "Number of spectrograms, transcripts and speaker files are different", Category.DATA),
        ("ValueError", "The rotary embedding of the attention needs an even head width", Category.MODEL),
        ("RuntimeError", "The pretrained weights on disk are those of the smaller variant", Category.MODEL_LOADING),
    ],
)
def test_words_alone_tell_of_what_kind_a_failure_is(name, message, category):
    finding = explained(name, message)
    assert (finding.category, finding.basis) == (category, "structure")
    assert finding.confidence <= 0.6
    assert len(finding.solutions) >= 2


@pytest.mark.parametrize("message", ["something odd happened", "oops", "", "it went wrong again", "42", "not good"])
def test_words_that_say_nothing_leave_a_failure_unknown(message):
    assert explained("RuntimeError", message).category is Category.UNKNOWN


def test_a_frame_of_a_library_says_more_than_words():
    frames = (
        Frame(file="/app/train.py", function="main"),
        Frame(file=SITE + "torch/optim/adam.py", function="f", in_app=False),
    )
    message = "The predicted boxes have other image ids"
    assert explained("RuntimeError", message, frames=frames).category is Category.OPTIMIZATION
    assert explained("RuntimeError", message).category is not Category.OPTIMIZATION


@pytest.mark.parametrize(
    ("name", "message", "rule"),
    [
        ("OSError", "[Errno 28] No space left on device: the predicted boxes and masks", "disk.full"),
        ("Interrupted", "killed by SIGKILL while the attention was computed", "structure.killed"),
    ],
)
def test_a_form_that_is_sure_is_not_overruled_by_words(name, message, rule):
    assert explained(name, message).category is Category.SYSTEM


def test_what_is_wrapped_is_told_by_its_chain_and_not_by_the_words_of_one_link():
    root = ErrorFacts(type="KeyError", message="'setting_of_the_option'")
    alone, wrapped = explain(root), explained("ValueError", "no sample", cause=root)
    assert wrapped.category is not alone.category or wrapped.rule == alone.rule


def test_without_the_weights_the_form_counts(without_weights):
    assert learned.opinion(Subject(ErrorFacts(type="ValueError", message="x")), "", Category.UNKNOWN).by_words == 0
    assert explained("IndexError", "index 5 is out of the list").category is Category.DATA


@pytest.mark.parametrize("content", ["", "[", "{", "\0"])
def test_weights_that_cannot_be_read_count_as_none(without_weights, content):
    without_weights.write_text(content)
    assert learned.opinion(Subject(ErrorFacts(type="ValueError", message="x")), "", Category.UNKNOWN).by_words == 0


@given(st.lists(st.sampled_from(WORDS), max_size=6))
def test_neither_order_nor_number_of_words_matters(words):
    def said(text):
        return learned.opinion(Subject(ErrorFacts(type="ValueError", message=text)), "", Category.UNKNOWN)

    assert said(" ".join(words)) == said(" ".join(reversed(words))) == said(" ".join(words + words))
