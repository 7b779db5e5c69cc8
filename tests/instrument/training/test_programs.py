"""Whole programs under `otel-mldebug run`, DataLoader workers of both kinds included."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PROGRAM = """
import sys
import torch
from torch.utils.data import DataLoader, Dataset


class Data(Dataset):
    def __len__(self):
        return 24

    def __getitem__(self, i):
        return torch.full((4,), float(i)), i % 2


def main(context, persistent):
    net = torch.nn.Linear(4, 2)
    opt = torch.optim.SGD(net.parameters(), 0.001)
    loader = DataLoader(
        Data(), batch_size=6, num_workers=2, multiprocessing_context=context, persistent_workers=persistent
    )
    for _ in range(3):
        for x, y in loader:
            opt.zero_grad()
            torch.nn.functional.cross_entropy(net(x), y).backward()
            opt.step()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "persistent")
"""


def mldebug(*words: str, cwd: Path) -> str:
    """Run the command and return its standard output."""
    code = "import sys; from otel_mldebug.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=240, cwd=cwd, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("context", "workers"), [("fork", "new"), ("spawn", "persistent")])
def test_workers_leave_nothing_and_the_parent_has_every_step(tmp_path: Path, context: str, workers: str) -> None:
    program = tmp_path / "train.py"
    program.write_text(PROGRAM)
    mldebug("run", "--store", "store", str(program), context, workers, cwd=tmp_path)
    training = json.loads(mldebug("training", "--json", "--store", "store", cwd=tmp_path))

    assert training["steps_seen"] == 12
    assert [(s["step"], s["epoch"], s["samples"]) for s in training["steps"]] == [(i, i // 4, 6) for i in range(12)]
    assert training["findings"] == []
    [run] = [path for path in (tmp_path / "store").iterdir() if (path / "run.json").exists()]
    assert len([path for path in run.iterdir() if path.is_dir()]) == 1


POISONED = """
import torch

net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
opt = torch.optim.SGD(net.parameters(), 0.01)
for step in range(12):
    if step == 9:
        net[2].weight.data[0, 0] = float("inf")
    opt.zero_grad()
    net(torch.randn(3, 4)).square().mean().backward()
    opt.step()
"""


def test_a_program_without_a_line_of_ours_gets_its_finding(tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text(POISONED)
    mldebug("run", "--store", "store", str(program), cwd=tmp_path)

    [finding] = json.loads(mldebug("errors", "--json", "--store", "store", cwd=tmp_path))["findings"]
    told = {key: finding[key] for key in ("rule", "category", "severity", "step", "layer", "count")}
    assert told == {
        "rule": "loss.nonfinite",
        "category": "loss",
        "severity": "critical",
        "step": 9,
        "layer": "2.weight",
        "count": 1,
    }
    assert finding["trace_id"]
