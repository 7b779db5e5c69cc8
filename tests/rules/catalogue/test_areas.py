"""Every entry about libraries, data, networks, packages and the system has a message that it must explain."""

from pathlib import Path

import pytest

from otel_mldebug.rules.catalogue.loader import DIRECTORY, builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts, Frame

MESSAGES = Path(__file__).parent / "messages"
AREAS = {
    "huggingface.toml": "huggingface.txt",
    "datasets.toml": "datasets.txt",
    "validation.toml": "validation.txt",
    "evaluation.toml": "evaluation.txt",
    "packages.toml": "packages.txt",
    "timeouts.toml": "timeouts.txt",
    "network2.toml": "network.txt",
    "os.toml": "os.txt",
    "python.toml": "python.txt",
    "lookups.toml": "lookups.txt",
    "frameworks.toml": "frameworks.txt",
    "engines.toml": "frameworks.txt",
    "training_stacks.toml": "training_stacks.txt",
    "boosting.toml": "services.txt",
    "classes.toml": "classes.txt",
    "services.toml": "services.txt",
    "tabular.toml": "services.txt",
    "files.toml": "services.txt",
    "science.toml": "services.txt",
    "arrays.toml": "libraries.txt",
    "jax_calls.toml": "libraries.txt",
    "keras.toml": "libraries.txt",
    "media.toml": "libraries.txt",
    "reinforcement.toml": "libraries.txt",
    "stores.toml": "libraries.txt",
    "tools.toml": "libraries.txt",
    "keys.toml": "keys.txt",
    "toolboxes.toml": "keys.txt",
    "narrow.toml": "pipelines.txt",
    "pipelines.toml": "pipelines.txt",
    "probabilistic.toml": "pipelines.txt",
    "language_models.toml": "language_models.txt",
    "accelerated.toml": "language_models.txt",
    "vision.toml": "vision.txt",
    "contracts.toml": "contracts.txt",
    "apple.toml": "apple.txt",
    "gpus.toml": "gpus.txt",
    "objects.toml": "objects.txt",
    "spaces.toml": "spaces.txt",
}


@pytest.mark.parametrize(("entries", "messages"), AREAS.items())
def test_every_entry_has_a_message(entries, messages):
    ids = {pattern.id for pattern in builtin() if pattern.origin.startswith(f"{entries}:")}
    rows = (MESSAGES / messages).read_text(encoding="utf-8").splitlines()
    assert (DIRECTORY / entries).exists()
    assert ids - {row.partition(" |")[0] for row in rows} == set()


@pytest.mark.parametrize(
    ("type_", "message", "category", "severity", "retryable"),
    [
        (
            "requests.exceptions.HTTPError",
            "503 Server Error: Service Unavailable for url: x",
            "network",
            "warning",
            True,
        ),
        ("requests.exceptions.HTTPError", "401 Client Error: Unauthorized for url: x", "network", "error", False),
        ("huggingface_hub.errors.HfHubHTTPError", "Error code: 503", "network", "warning", True),
        ("OSError", "[Errno 28] No space left on device", "system", "critical", False),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'x/rows.csv'", "data", "error", False),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'x/last.ckpt'", "model_loading", "error", False),
        ("FileNotFoundError", "[Errno 2] No such file or directory: '/etc/x.conf'", "system", "error", False),
        ("AttributeError", "'NoneType' object has no attribute 'shape'", "data", "error", False),
        ("AttributeError", "'NoneType' object has no attribute 'encode_plus'", "model_loading", "error", False),
        ("AttributeError", "Can't get attribute 'Net' on <module '__main__'>", "model_loading", "error", False),
    ],
)
def test_the_same_form_is_judged_by_what_it_is_about(type_, message, category, severity, retryable):
    finding = explain(ErrorFacts(type=type_, message=message))
    assert (str(finding.category), str(finding.severity), finding.retryable) == (category, severity, retryable)


def test_a_division_by_zero_in_a_plain_script_is_about_data():
    frames = (Frame(file="/home/me/train.py", function="main", line=3, code="x / 0"),)
    finding = explain(ErrorFacts(type="ZeroDivisionError", message="division by zero", frames=frames))
    assert (finding.rule, str(finding.category)) == ("python.division", "data")


def test_a_crash_that_printed_its_stack_is_not_told_to_print_it():
    def first(message):
        return explain(ErrorFacts(type="Fatal Python error", message=message)).solutions[0]

    assert "faulthandler" in first("Segmentation fault (core dumped)")
    assert "Read the stack" in first("Segmentation fault\n\nCurrent thread 0x00007f52 (most recent call first):")
