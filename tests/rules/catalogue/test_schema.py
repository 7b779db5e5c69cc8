"""Every mistake in a pattern file is named by file, entry, field and what would be accepted."""

import pytest

from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.catalogue.loader import builtin, load, load_all
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

GOOD = """
[[pattern]]
id = "acme.queue_full"
category = "inference"
severity = "warning"
retryable = true
summary = "The queue is full[[: {waiting} wait]]."
solutions = ["Try again.", "Ask {waiting} fewer."]
match = [{ type = "acme.QueueFull" }, { message = 'queue full \\((?P<waiting>\\d+)' }]
evidence.waiting = "int"
when = [{ if = "waiting > 100", severity = "critical", solutions = ["Start more workers."] }]
"""


@pytest.fixture
def write(tmp_path):
    def make(text):
        path = tmp_path / "patterns.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def test_a_good_file_is_loaded_and_its_entries_match(write):
    patterns = load(write(GOOD))
    finding = explain(ErrorFacts(type="RuntimeError", message="Queue full (17 waiting)"), patterns)
    assert (finding.rule, str(finding.category), str(finding.severity), finding.retryable) == (
        "acme.queue_full",
        "inference",
        "warning",
        True,
    )
    assert (finding.summary, finding.solutions) == ("The queue is full: 17 wait.", ("Try again.", "Ask 17 fewer."))
    assert finding.evidence == {"waiting": 17}


def test_missing_evidence_leaves_out_what_needs_it(write):
    finding = explain(ErrorFacts(type="acme.QueueFull", message="no"), load(write(GOOD)))
    assert (finding.summary, finding.solutions) == ("The queue is full.", ("Try again.",))


def test_the_first_variant_that_holds_replaces_what_it_names(write):
    finding = explain(ErrorFacts(message="queue full (101"), load(write(GOOD)))
    assert (str(finding.severity), finding.solutions) == ("critical", ("Start more workers.",))


def test_entries_of_the_user_stand_beside_ours_and_replace_those_of_the_same_id(write):
    own = GOOD.replace('"acme.queue_full"', '"cuda.oom"')
    ids = [pattern.id for pattern in load_all([write(own)])]
    assert sorted(ids) == sorted(pattern.id for pattern in builtin())
    assert ids[0] == "cuda.oom"


def changed(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


MISTAKES = [
    pytest.param("[[pattern", "valid TOML", id="no TOML"),
    pytest.param('pattern = "x"', "pattern='x'", id="pattern is no list"),
    pytest.param('pattern = ["x"]', "pattern 1='x'", id="an entry is no table"),
    pytest.param("[pattern]\nid = 'a.b'", "double brackets", id="single brackets"),
    pytest.param('other = 1\n[[pattern]]\nid="a.b"', "other=1", id="an unknown table"),
    pytest.param(changed('id = "acme.queue_full"', ""), "pattern 1: id=None", id="no id"),
    pytest.param(changed("acme.queue_full", "Acme Full"), "dotted name", id="a bad id"),
    pytest.param(GOOD + GOOD, "pattern 2 (acme.queue_full): id", id="an id twice"),
    pytest.param(changed('category = "inference"', ""), "one of memory, gradient", id="no category"),
    pytest.param(changed('"inference"', '"infrence"'), "category='infrence'", id="a misspelt category"),
    pytest.param(changed('"warning"', '"bad"'), "severity='bad'", id="a severity there is not"),
    pytest.param(changed("true", '"yes"'), "retryable='yes'", id="a flag in quotes"),
    pytest.param(changed("[[: {waiting} wait]]", ": {waiting}"), "inside [[ ]]", id="evidence that may be missing"),
    pytest.param(changed("{waiting} wait", "{wating} wait"), "{type}, {errno}", id="a misspelt placeholder"),
    pytest.param(changed('["Try again.", "Ask {waiting} fewer."]', "[]"), "at least one", id="no solution"),
    pytest.param(changed('["Try again.", "Ask {waiting} fewer."]', '"Try."'), "a list of texts", id="no list"),
    pytest.param(changed("match = [", "matches = ["), "expected the field match", id="a misspelt field"),
    pytest.param(changed("match = [", "colour = 1\nmatch = ["), "one of the fields", id="an unknown field"),
    pytest.param(changed("match = [", "type = 'A'\nmatch = ["), "it inside match", id="a condition in the wrong place"),
    pytest.param(changed('{ if = "', '{ iff = "'), "when 1: iff", id="a misspelt field of a variant"),
    pytest.param(changed('{ type = "acme.QueueFull" }', "{}"), "match 1={}", id="an empty alternative"),
    pytest.param(changed('{ type = "acme.QueueFull" }', '{ kind = "x" }'), "match 1: kind", id="an unknown condition"),
    pytest.param(changed('{ type = "acme.QueueFull" }', "{ code = { errnum = 3 } }"), "errno = [28]", id="a bad code"),
    pytest.param(changed("queue full \\((", "queue full (("), "regular expression Python", id="no expression"),
    pytest.param(changed("queue full \\(", "(a+)+ queue "), "a repeat inside a repeat", id="a runaway expression"),
    pytest.param(changed("queue full \\(", "a.*b.*c"), ".{0,80} for .*", id="wildcards without bound"),
    pytest.param(changed("queue full \\(", "\\w"), "at least 3 characters", id="nothing fixed"),
    pytest.param(changed('waiting = "int"', 'waiting = "number"'), "one of the types bytes", id="an unknown type"),
    pytest.param(changed("evidence.waiting", "evidence.other"), "(?P<other>", id="evidence without a group"),
    pytest.param(
        changed('evidence.waiting = "int"', "evidence.waiting = { find = 'x', as = \"int\" }"),
        "exactly one group",
        id="an expression without a group",
    ),
    pytest.param(changed("waiting > 100", "waiting"), "NAME OP VALUE", id="no comparison"),
    pytest.param(changed("waiting > 100", "wait > 100"), "'wait' is not evidence", id="unknown evidence compared"),
    pytest.param(changed("waiting > 100", "waiting > many"), "neither a number", id="compared with a bare word"),
    pytest.param(GOOD.replace("severity", 'docs = "www"\nseverity', 1), "https://", id="no link"),
    pytest.param(GOOD.replace("severity", "confidence = 2\nseverity", 1), "from 0 to 1", id="too sure"),
]


@pytest.mark.parametrize(("text", "part"), MISTAKES)
def test_a_mistake_is_named(write, text, part):
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert part in message
    assert "is not usable: expected" in message


def test_all_mistakes_of_a_file_are_named_in_the_order_of_its_entries(write):
    first = changed('"warning"', '"bad"').replace("true", '"yes"')
    second = GOOD.replace("acme.queue_full", "acme.other").replace("match = [", "mach = [")
    with pytest.raises(ConfigError) as caught:
        load(write(first + GOOD.replace("acme.queue_full", "acme.third") + second))
    assert [mistake.setting.partition(": ")[2] for mistake in caught.value.each] == [
        "pattern 1 (acme.queue_full): severity",
        "pattern 1 (acme.queue_full): retryable",
        "pattern 3 (acme.other): mach",
        "pattern 3 (acme.other): match",
    ]
    assert str(caught.value).splitlines() == [str(mistake) for mistake in caught.value.each]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="expected the path of a pattern file that exists"):
        load(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "patterns.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="a readable TOML file in UTF-8"):
        load(path)
