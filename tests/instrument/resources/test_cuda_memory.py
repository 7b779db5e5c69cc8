"""Books of the CUDA allocator, as text and as files; the allocator is a stand-in."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from otel_mldebug import memory_report
from otel_mldebug.instrument.resources import cuda_memory
from otel_mldebug.instrument.resources.cuda_memory import memory_files


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    cuda_memory.reset()
    yield
    cuda_memory.reset()


def torch(*, used: bool = True, dump: int = 10) -> Any:
    memory = SimpleNamespace(_dump_snapshot=lambda path: Path(path).write_bytes(b"x" * dump))
    return SimpleNamespace(
        cuda=SimpleNamespace(
            is_initialized=lambda: used,
            device_count=lambda: 2,
            memory_summary=lambda device, abbreviated: f"books of {device}",
            memory=memory,
        )
    )


def test_every_device_is_in_the_report():
    assert memory_report(torch()) == "books of 0\nbooks of 1"


def test_without_cuda_the_report_says_why_it_is_empty():
    assert memory_report(torch(used=False)).startswith("This process does not use CUDA")
    assert memory_report(SimpleNamespace()) == "PyTorch has not been imported: there is no allocator to ask."


def test_a_finding_gets_the_names_of_its_files_and_the_first_few_only(tmp_path):
    found = [memory_files(torch(), tmp_path) for _ in range(5)]

    assert found[0] == {
        "gpu_memory_summary_file": "cuda-memory-1.txt",
        "gpu_memory_snapshot_file": "cuda-memory-1.pickle",
    }
    assert [bool(files) for files in found] == [True, True, True, False, False]
    assert (tmp_path / "cuda-memory-3.txt").read_text() == "books of 0\nbooks of 1"


def test_a_snapshot_that_is_too_large_is_removed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(cuda_memory, "MOST_SNAPSHOT", 5)
    assert memory_files(torch(), tmp_path) == {"gpu_memory_summary_file": "cuda-memory-1.txt"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cuda-memory-1.txt"]


@pytest.mark.parametrize("module", [None, SimpleNamespace(), torch(used=False)])
def test_without_cuda_or_a_place_there_are_no_files(tmp_path, module):
    assert memory_files(module, tmp_path) == {}
    assert memory_files(torch(), None) == {}
    assert list(tmp_path.iterdir()) == []
