"""Workers of a real PyTorch DataLoader: they serve their parent, and everything is said there."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytestmark = pytest.mark.torch

PROGRAM = """
import sys
import otel_mldebug.wiring as wiring
wiring.start()
import torch
from torch.utils.data import DataLoader, Dataset
import otel_mldebug

class Numbers(Dataset):
    def __len__(self):
        return 8

    @otel_mldebug.trace
    def __getitem__(self, index):
        if index == int(sys.argv[2]):
            raise RuntimeError("item cannot be decoded")
        return torch.full((3,), float(index))

def main():
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
    loader = DataLoader(Numbers(), batch_size=4, num_workers=2, multiprocessing_context=sys.argv[1])
    for _ in range(3):
        for batch in loader:
            optimizer.zero_grad()
            model(batch).sum().backward()
            optimizer.step()

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_over_three_epochs_there_is_one_directory_and_no_series_of_a_worker(programs, method):
    done = programs.run(PROGRAM, method, "-1", OTEL_MLDEBUG_PROMETHEUS="0", timeout_s=200)
    assert (done.stderr, done.code) == ("", 0)
    assert len(done.processes) == 1
    assert "mldebug.train.steps" in done.metric_names()
    assert "mldebug.function.calls" not in done.metric_names(), "only workers called the function"
    assert list((programs.store / "targets").glob("*")) == []


def test_a_failure_in_a_worker_is_one_finding_in_its_parent(programs):
    done = programs.run(PROGRAM, "fork", "5", timeout_s=200)
    assert done.code == 1
    assert len(done.processes) == 1
    assert len(done.findings()) == 1
    assert "item cannot be decoded" in done.findings()[0]["exception.message"]
    assert "__getitem__" in str(done.findings()[0])
