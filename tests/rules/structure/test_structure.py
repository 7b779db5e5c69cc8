"""What no entry knows is judged by its structure: how well, on real messages, with all other entries away."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts, Frame
from otel_mldebug.rules.structure.areas import AREAS
from otel_mldebug.semconv.names import Category

STRUCTURE = tuple(pattern for pattern in builtin() if pattern.basis == "structure")
ROWS = [
    line.split(" | ")
    for line in (Path(__file__).parent / "messages.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def judged(type_, message, **more):
    return explain(ErrorFacts(type=type_, message=message, **more), STRUCTURE)


def share(right, patterns=STRUCTURE):
    marks = [right(explain(ErrorFacts(type=row[0], message=row[1]), patterns), *row[2:]) for row in ROWS]
    return sum(marks) / len(marks)


def category_fits(finding, categories, *_):
    return str(finding.category) in categories.split()


def severity_fits(finding, _, severity, __):
    return str(finding.severity) in severity.split()


def retry_fits(finding, _, __, again):
    return ("yes" if finding.retryable else "no") in again.split()


def test_most_messages_get_an_acceptable_category_from_structure_alone():
    assert share(category_fits) > 0.82


def test_nearly_all_get_the_severity_and_whether_trying_again_helps():
    assert share(severity_fits) > 0.95
    assert share(retry_fits) > 0.95


def test_with_the_catalogue_the_same_messages_are_explained_better():
    assert share(category_fits, None) > 0.96
    assert share(severity_fits, None) > 0.96
    assert share(retry_fits, None) > 0.96


def test_structure_says_that_it_is_not_sure():
    findings = [judged(row[0], row[1]) for row in ROWS]
    assert {finding.basis for finding in findings} == {"structure", "none"}
    assert max(finding.confidence for finding in findings) <= 0.6
    assert all(len(finding.solutions) >= 2 and finding.cause for finding in findings)


SITE = "/x/lib/python3.11/site-packages/"


@pytest.mark.parametrize(
    ("place", "category"),
    [
        ("torch/optim/adam.py", Category.OPTIMIZATION),
        ("torch/utils/data/dataloader.py", Category.DATA),
        ("torch/distributed/distributed_c10d.py", Category.DISTRIBUTED),
        ("torch/nn/modules/loss.py", Category.LOSS),
        ("sklearn/metrics/_ranking.py", Category.EVALUATION),
        ("transformers/generation/utils.py", Category.INFERENCE),
        ("transformers/trainer.py", Category.TRAINING),
        ("datasets/arrow_dataset.py", Category.DATA),
        ("vllm/engine/llm_engine.py", Category.INFERENCE),
        ("pydantic/main.py", Category.INPUT_VALIDATION),
        ("bitsandbytes/cextension.py", Category.DEPENDENCY),
    ],
)
def test_the_library_that_raised_tells_where_words_do_not(place, category):
    frames = (Frame(file="/app/train.py", function="main"), Frame(file=SITE + place, function="f", in_app=False))
    assert judged("RuntimeError", "something odd happened", frames=frames).category is category
    assert judged("RuntimeError", "something odd happened").category is Category.UNKNOWN


@pytest.mark.parametrize(
    ("facts", "rule", "retryable"),
    [
        (ErrorFacts(type="x.Odd", attributes={"status_code": 503}), "structure.http_server_error", True),
        (ErrorFacts(type="x.Odd", attributes={"status_code": 403}), "structure.http_unauthorized", False),
        (ErrorFacts(type="x.Odd", attributes={"status_code": 422}), "structure.http_bad_request", False),
        (ErrorFacts(type="x.Odd", attributes={"errno": 28}), "structure.disk_full", False),
        (ErrorFacts(type="x.Odd", attributes={"errno": 104}), "structure.connection_lost", True),
        (ErrorFacts(type="x.Odd", attributes={"exitcode": -9}), "structure.killed", False),
        (ErrorFacts(type="x.Odd", message="died with exit code 139"), "structure.crashed", False),
        (ErrorFacts(type="x.GatewayTimeout"), "structure.timeout", True),
        (ErrorFacts(type="x.Odd", bases=("ConnectionError", "OSError")), "structure.connection_lost", True),
        (ErrorFacts(type="KeyboardInterrupt"), "structure.interrupted", False),
        (ErrorFacts(type="SyntaxError", message="invalid syntax"), "structure.program_fault", False),
    ],
)
def test_classes_and_codes_tell(facts, rule, retryable):
    finding = explain(facts, STRUCTURE)
    assert (finding.rule, finding.retryable, finding.basis) == (rule, retryable, "structure")


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ("both option use_8bit_adam and optimizer_type are specified", "structure.exclusive"),
        ("Only one of `max_steps` or `max_epochs` may be specified", "structure.exclusive"),
        ("Please specify either a or b, not both", "structure.exclusive"),
        ("--gradio and --chat are mutually exclusive.", "structure.exclusive"),
        ("Parameters a and b cannot be used together", "structure.exclusive"),
        ("both arrays are empty and were set to zero", "structure.data"),
        ("Only one of the classes is present", "structure.data"),
        ("Tensors cannot be used together with numpy arrays, which are not supported", "structure.not_supported"),
        ("You do not have enough GPU memory available to train", "structure.memory"),
        ("This machine doesn't have enough VRAM", "structure.memory"),
        ("Insufficient video memory for the batch", "structure.memory"),
        ("not enough arguments for the memory planner", "structure.missing_argument"),
        ("You have enough GPU memory, but an invalid batch", "structure.allowed_values"),
        ("'dict' object has no attribute 'cuda'", "structure.builtin_attribute"),
        ("'LJSpeechDataset' object has no attribute '_walker'", "structure.missing_attribute"),
        ("'charset' object has no attribute 'encode'", "structure.missing_attribute"),
        ("requests.get() failed", "structure.network"),
        ("task.build_requests() returned no rows", "structure.data"),
        ("reset_states() was called too early in training", "structure.training"),
    ],
)
def test_the_form_of_a_message_tells(message, rule):
    assert judged("ValueError", message).rule == rule


def test_a_class_of_warnings_is_a_warning():
    assert str(judged("x.OddWarning", "the gradient of the optimizer is odd").severity) == "warning"
    known = explain(ErrorFacts(type="UserWarning", message="expected scalar type Float but found Double"))
    assert (known.rule, str(known.severity)) == ("dtype.mismatch", "warning")


@pytest.mark.parametrize("category", [category for category in Category if category is not Category.UNKNOWN])
def test_every_category_but_unknown_has_remedies(category):
    area = AREAS[category]
    assert len(area.solutions) >= 2
    assert area.cause.endswith(".")
    assert not area.summary.endswith(".")


@given(st.text(max_size=300), st.text(max_size=50))
def test_any_failure_gets_a_finding_that_helps(message, type_):
    finding = explain(ErrorFacts(type=type_, message=message))
    assert finding.summary
    assert len(finding.solutions) >= 1
    assert 0 <= finding.confidence <= 1
