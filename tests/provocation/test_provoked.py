"""Failures of real libraries, really provoked, are sorted as whoever reads them would, and answered with what helps."""

import gc
import warnings
from collections.abc import Iterator

import pytest

from tests.provocation.case import UnavailableError, World, finding_for, marks, provoked
from tests.provocation.cases import CASES
from tests.provocation.running import worlds

pytestmark = pytest.mark.filterwarnings("ignore")  # what a library leaves open when it fails is its own affair


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[World]]:
    with worlds(tmp_path_factory.mktemp("worlds")) as found:
        yield found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()  # here, so that it does not warn in another test


PARAMETERS = [
    pytest.param(case, id=case.name, marks=[pytest.mark.torch] if "torch" in case.needs else []) for case in CASES
]


@pytest.mark.parametrize("case", PARAMETERS)
def test_a_provoked_failure_is_told_right(case, given):
    if missing := case.missing():
        pytest.skip(f"{missing} is not installed")
    try:
        exc = provoked(case, next(given))
    except UnavailableError as why:
        pytest.skip(str(why))

    finding = finding_for(exc)

    told_right = marks(case, finding)
    wrong = [
        label
        for label in ("category_or_alternative", "severity_or_alternative", "retryable", "remedy")
        if not told_right[label]
    ]
    told = (finding.category.value, finding.severity.value, finding.retryable, finding.rule)
    assert not wrong, f"{type(exc).__name__}: {exc!s:.300}\n{told}\n{finding.cause} {finding.solutions}"


def test_there_are_enough_of_them():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 120
    assert sum("torch" in case.needs for case in CASES) >= 40
