"""Real ranks under torchrun and `run`: faults that only several ranks have are named, healthy ones stay silent."""

import json
import signal
import sys
import time
from pathlib import Path

import pytest

TORCHRUN = Path(sys.executable).with_name("torchrun")
FAST = {"OMP_NUM_THREADS": "1", "OTEL_MLDEBUG_RESOURCES": "false"}

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(not TORCHRUN.exists(), reason="torchrun is not beside this Python"),
]

PROGRAM = """
import sys, time, torch, torch.distributed as dist
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler
dist.init_process_group("gloo")
faults, rank = sys.argv[1:], dist.get_rank()
torch.manual_seed(0)
data = TensorDataset(torch.randn(640, 8), torch.randn(640, 2))
sampler = None if "same" in faults else DistributedSampler(data)
loader = DataLoader(data, batch_size=4 if sampler else 8, sampler=sampler, shuffle=sampler is None)
model = torch.nn.Linear(8, 2)
if "unwrapped" not in faults:
    model = torch.nn.parallel.DistributedDataParallel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

def prepare(step):
    if rank == 1 and "slow" in faults:
        time.sleep(0.03)
    if rank == 1 and step == 10 and "stops" in faults:
        time.sleep(600)

for step, (inputs, targets) in enumerate(loader):
    prepare(step)
    loss = (model(inputs) - targets).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
dist.barrier()
dist.destroy_process_group()
"""


@pytest.fixture
def found(here, mldebug, script):
    """Return a function that runs two ranks with some faults and returns the run and what was found, by rule."""

    def run(*faults):
        script("ranks.py", PROGRAM.splitlines())
        done = mldebug("run", TORCHRUN, "--nproc-per-node", "2", "ranks.py", *faults, environ=FAST)
        return done, findings(mldebug)

    return run


def findings(mldebug):
    rows = json.loads(mldebug("errors", "--json").stdout)["findings"]
    return {finding["rule"]: finding for finding in rows if finding["severity"] not in ("info", "debug")}


def test_healthy_ranks_are_silent_and_leave_nothing_behind(here, found):
    done, rules = found()
    assert (done.returncode, rules) == (0, {})
    assert "no findings" in done.stderr
    assert list(here.glob(".mldebug/*/.ranks")) == []
    (page, _) = sorted(here.glob(".mldebug/*/*/process.json"))
    about = json.loads(page.read_text())
    assert (about["watched"]["backend"], about["watched"]["world_size"]) == ("gloo", 2)


def test_the_same_batches_and_a_slow_rank_are_found(found, mldebug):
    done, rules = found("same", "slow")
    assert done.returncode == 0
    assert rules.keys() == {"distributed.same_batches", "distributed.straggler"}
    assert rules["distributed.same_batches"]["evidence"]["ranks"] == [0, 1]
    slow = rules["distributed.straggler"]
    assert (slow["evidence"]["rank"], slow["evidence"]["phase"]) == (1, "forward")
    assert slow["evidence"]["excess_s"] > 0.02
    phases = {lane["rank"]: lane["phases"] for lane in json.loads(mldebug("training", "--json").stdout)["by_process"]}
    assert phases[0]["sync"] > 5 * phases[1]["sync"] > 0, "the fast rank waits for the gradients of the slow one"
    assert phases[0]["sync"] > phases[0]["backward"]
    assert phases[1]["loss"] > 0


def test_a_model_that_was_not_wrapped_drifts_apart_from_the_first_step_on(found):
    done, rules = found("unwrapped")
    assert done.returncode == 0
    assert rules.keys() == {"distributed.replicas_differ"}
    finding = rules["distributed.replicas_differ"]
    assert (finding["step"], finding["layer"], finding["evidence"]["ranks"]) == (1, "weight", [1])
    assert "not wrapped in DistributedDataParallel" in finding["cause"]


def test_a_rank_that_stops_is_named_by_the_verdict_and_the_end_by_a_scheduler_is_noted(
    here, start, script, mldebug, told
):
    script("ranks.py", PROGRAM.splitlines())
    environ = {**FAST, "OTEL_MLDEBUG_HANG_TIMEOUT": "2"}
    process = start("run", TORCHRUN, "--nproc-per-node", "2", "ranks.py", "stops", environ=environ)
    deadline = time.monotonic() + 120
    while sum("training.hang" in path.read_text() for path in here.glob(".mldebug/*/*/logs.jsonl")) < 2:
        assert time.monotonic() < deadline, "neither rank has told"
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    rules = findings(mldebug)
    assert {"training.hang", "process.terminated"} <= rules.keys()
    hang = rules["training.hang"]
    assert hang["summary"].startswith("Rank 1 is missing in gradient synchronisation")
    assert "it is in prepare (ranks.py:" in hang["summary"]
    assert hang["summary"].endswith("Rank 0 waits for it.")
    assert (hang["step"], hang["ranks"], hang["evidence"]["missing"]) == (10, [0, 1], [1])
    assert (
        "in prepare\n    time.sleep(600)" in hang["context"]["stacks"] or "loss.backward()" in hang["context"]["stacks"]
    )
    assert rules["process.terminated"]["step"] == 9
    verdict = stderr.decode()[stderr.decode().index("┌") :]
    assert "otel-mldebug: critical, training.hang" in verdict.splitlines()[0]
    assert told("Rank 1 is missing in gradient synchronisation") in told(verdict)


def test_a_worker_that_does_not_answer_is_a_hang_of_data_loading_and_what_comes_after_training_is_none(
    here, start, script, mldebug
):
    script(
        "train.py",
        [
            "import sys, time, torch",
            "class Data(torch.utils.data.Dataset):",
            "    def __len__(self): return 80",
            "    def __getitem__(self, i):",
            "        if i == 40: time.sleep(3.5)",
            "        return torch.randn(8)",
            "model = torch.nn.Linear(8, 2)",
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.01)",
            "for inputs in torch.utils.data.DataLoader(Data(), batch_size=4, num_workers=1):",
            "    loss = model(inputs).square().mean()",
            "    optimizer.zero_grad(); loss.backward(); optimizer.step()",
            "time.sleep(3)",
        ],
    )
    done = mldebug("run", "train.py", environ={**FAST, "OTEL_MLDEBUG_HANG_TIMEOUT": "1.5"})
    assert done.returncode == 0
    rows = json.loads(mldebug("errors", "--json").stdout)["findings"]
    assert [(row["rule"], row["severity"], row["count"]) for row in rows if row["rule"].startswith("training.")] == [
        ("training.hang", "critical", 1),
        ("training.resumed", "info", 1),
    ]
    assert rows[0]["evidence"]["phase"] == "data"
    assert rows[0]["summary"].startswith("No progress at step 10 for ")


SHARDED = """
import torch, torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
dist.init_process_group("gloo")
torch.manual_seed(0)
mesh = init_device_mesh("cpu", (2,))
model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
for part in (model[0], model[2], model):
    fully_shard(part, mesh=mesh)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
own = torch.Generator().manual_seed(dist.get_rank())
losses = []
for step in range(40):
    inputs = torch.randn(32, 8, generator=own)
    loss = (model(inputs) - inputs[:, :4].sin()).square().mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses.append(loss.item())
print(f"rank {dist.get_rank()}: {losses}\\n", end="")
dist.destroy_process_group()
"""


def test_a_sharded_model_is_watched_on_every_rank_and_trains_as_it_does_without_us(script, mldebug):
    if not hasattr(pytest.importorskip("torch.distributed.fsdp"), "fully_shard"):
        pytest.skip("this PyTorch has no FSDP2")
    script("sharded.py", SHARDED.splitlines())
    words = (TORCHRUN, "--nproc-per-node", "2", "sharded.py")
    alone = mldebug("run", *words, environ={**FAST, "OTEL_MLDEBUG_DISABLED": "1"})
    watched = mldebug("run", *words, environ={**FAST, "OTEL_MLDEBUG_LAYERS": "10"})

    assert alone.returncode == watched.returncode == 0
    printed = [sorted(done.stdout.replace("]", "]\n").split("\n")) for done in (alone, watched)]
    assert printed[0] == printed[1], "not a bit of a loss is different"
    assert findings(mldebug) == {}
    training = json.loads(mldebug("training", "--json", "--layers").stdout)
    assert [(lane["rank"], lane["steps_seen"], lane["loss"] > 0) for lane in training["by_process"]] == [
        (0, 40, True), (1, 40, True),
    ]  # fmt: skip
    assert [(layer["layer"], len(layer["steps"]) >= 4) for layer in training["layers"]] == [("0", True), ("2", True)]
