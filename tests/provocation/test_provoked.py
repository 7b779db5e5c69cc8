"""Failures of real libraries, really provoked, are sorted as whoever reads them would, and answered with what helps."""

from collections.abc import Iterator

import pytest

from tests.provocation.case import Unavailable, World, finding_for, marks, provoked
from tests.provocation.cases import CASES
from tests.provocation.running import worlds


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[World]]:
    with worlds(tmp_path_factory.mktemp("worlds")) as found:
        yield found


def parameters():
    for case in CASES:
        yield pytest.param(case, id=case.name, marks=[pytest.mark.torch] if "torch" in case.needs else [])


@pytest.mark.parametrize("case", parameters())
def test_a_provoked_failure_is_told_right(case, given):
    if missing := case.missing():
        pytest.skip(f"{missing} is not installed")
    try:
        exc = provoked(case, next(given))
    except Unavailable as why:
        pytest.skip(str(why))

    finding = finding_for(exc)

    wrong = [label for label, right in marks(case, finding).items() if not right and label != "category"]
    told = (finding.category.value, finding.severity.value, finding.retryable, finding.rule)
    assert not wrong, f"{type(exc).__name__}: {exc!s:.300}\n{told}\n{finding.cause} {finding.solutions}"


def test_there_are_enough_of_them():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 120
    assert sum("torch" in case.needs for case in CASES) >= 40
