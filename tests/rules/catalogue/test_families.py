"""What each family must explain, and what only looks like it: real messages, in `messages/*.txt` by area."""

from pathlib import Path

import pytest

from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

ROWS = [
    [part.strip().replace("\\n", "\n") for part in line.split(" |", 2)]
    for path in sorted((Path(__file__).parent / "messages").glob("*.txt"))
    for line in path.read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]


@pytest.mark.parametrize(("rule", "type_", "message"), [row for row in ROWS if row[0][0] != "!"])
def test_a_known_failure(rule, type_, message):
    finding = explain(ErrorFacts(type=type_, message=message))
    assert (finding.rule, finding.basis) == (rule, "pattern")
    assert finding.confidence >= 0.7


@pytest.mark.parametrize(("rule", "type_", "message"), [row for row in ROWS if row[0][0] == "!"])
def test_a_near_miss(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule != rule[1:]


def test_fragmentation_puts_the_allocator_setting_first():
    def first(unused):
        return explain(
            ErrorFacts(
                type="torch.OutOfMemoryError",
                message="CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 24 GiB of which "
                f"600.00 MiB is free. {unused} is reserved by PyTorch but unallocated.",
            )
        )

    assert "expandable_segments" in first("5.10 GiB").solutions[0]
    assert "batch size" in first("12.00 MiB").solutions[0]
    assert first("5.10 GiB").evidence == {
        "requested_bytes": 2 * 2**30,
        "free_bytes": 600 * 2**20,
        "unused_bytes": int(5.1 * 2**30),
        "device": "0",
    }
