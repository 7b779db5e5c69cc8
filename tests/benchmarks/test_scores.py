"""Scores count what is right, and labels never reach the rules."""

from benchmarks.scores import explained, misses, scores

RIGHT = {
    "id": "a",
    "exception_type": "RuntimeError",
    "message": "CUDA out of memory. Tried to allocate 2.00 GiB",
    "category": "memory",
    "category_alt": [],
    "severity": "critical",
    "retryable": False,
    "expected_hints": [["batch size", "nothing"], ["checkpointing"]],
}
WRONG = {**RIGHT, "id": "b", "category": "data", "severity": "info", "retryable": True, "expected_hints": [["cake"]]}
NEARLY = {**RIGHT, "id": "c", "category": "data", "category_alt": ["memory"]}


def test_scores_are_shares_of_what_is_right():
    assert {figure.name: round(figure.value, 2) for figure in scores([RIGHT, WRONG, NEARLY], "x")} == {
        "explain.x.category": 0.33,
        "explain.x.category_or_alternative": 0.67,
        "explain.x.severity": 0.67,
        "explain.x.retryable": 0.67,
        "explain.x.remedy": 0.67,
    }


def test_misses_say_what_is_wrong():
    assert list(misses([RIGHT, WRONG, NEARLY])) == [
        "b: category, category_or_alternative, severity, retryable, remedy (cuda.oom)",
        "c: category (cuda.oom)",
    ]


def test_labels_do_not_change_the_finding():
    assert explained(RIGHT) == explained(WRONG)
