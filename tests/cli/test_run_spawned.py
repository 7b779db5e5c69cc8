"""Ranks that a program starts by `torch.multiprocessing.spawn`: each says itself what has ended it."""

import json

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

TRAINING = [
    "import datetime, pathlib, sys, tempfile, torch",
    "import torch.distributed as dist, torch.multiprocessing as mp",
    "def work(rank, store, last, timeout):",
    "    torch.set_num_threads(1)",
    "    dist.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=2,",
    "                            timeout=datetime.timedelta(seconds=timeout))",
    "    model = torch.nn.Linear(4, 2)",
    "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)",
    "    for step in range(60):",
    "        optimizer.zero_grad()",
    "        model(torch.randn(8, 4)).square().mean().backward()",
    "        if rank == 1 and step == last:",
    "            finish(rank)",
    "        for parameter in model.parameters():",
    "            dist.all_reduce(parameter.grad)",
    "        optimizer.step()",
    "if __name__ == '__main__':",
    "    with tempfile.TemporaryDirectory() as directory:",
    "        mp.spawn(work, args=(f'{directory}/store', 20, TIMEOUT), nprocs=2)",
]


def training(finish, timeout):
    return [
        *TRAINING[:2],
        "def finish(rank):",
        f"    {finish}",
        *(line.replace("TIMEOUT", str(timeout)) for line in TRAINING[2:]),
    ]


def found(mldebug):
    told = json.loads(mldebug("errors", "--json").stdout)["findings"]
    return {finding["rule"]: finding for finding in told}


def test_a_rank_that_raises_is_one_failure_with_its_rank_step_and_function(mldebug, script):
    script("train.py", training("return [][rank]", 120))
    assert mldebug("run", "train.py").returncode == 1

    told = found(mldebug)
    failure = told["python.index"]
    assert (failure["rank"], failure["step"], failure["count"]) == (1, 20, 1)
    assert failure["function"].endswith("finish")
    assert [said["type"].rpartition(".")[2] for said in failure["reported_by"]] == ["ProcessRaisedException"]


def test_where_the_missing_rank_is_is_told_before_the_collective_gives_up(mldebug, script):
    script("train.py", training("__import__('threading').Event().wait()", 6))
    assert mldebug("run", "train.py").returncode == 1

    hang = found(mldebug)["training.hang"]
    assert hang["summary"].startswith("Rank 1 is missing in all_reduce")
    assert "finish (train.py:" in hang["summary"]
    assert (hang["step"], hang["evidence"]["missing"], hang["evidence"]["waiting"]) == (20, [1], [0])
