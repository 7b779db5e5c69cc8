"""The demo and real training under `run`, as a newcomer sees them: real PyTorch, real faults, real verdicts."""

import ast
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from otel_mldebug.cli import demo, main
from otel_mldebug.cli.verdict import MAX_LINES

TORCHRUN = Path(sys.executable).with_name("torchrun")

RANKS = [
    "import os, signal, sys, time, torch, torch.distributed as dist",
    "dist.init_process_group('gloo')",
    "rank = dist.get_rank()",
    "model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(8, 2))",
    "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)",
    "for step in range(12):",
    "    inputs = torch.randn(4, 8)",
    "    if step == 7 and rank == 1 and 'fail' in sys.argv: inputs = inputs[:, :5]",
    "    loss = model(inputs).square().mean()",
    "    optimizer.zero_grad(); loss.backward(); optimizer.step()",
    "dist.destroy_process_group()",
]


def box(text):
    """Return the lines of the verdict."""
    lines = text.splitlines()
    return [line for line in lines if line.startswith(("┌", "│", "└"))]


def test_the_script_knows_nothing_of_us():
    tree = ast.parse(demo.SCRIPT.read_text(encoding="utf-8"))
    imported = {
        (name.name if isinstance(node, ast.Import) else str(node.module)).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    assert imported == {"argparse", "collections", "sklearn", "torch"}


@pytest.mark.torch
@pytest.mark.parametrize(
    ("fault", "rule", "layer", "step"),
    [
        ("nan", "loss.nonfinite", "contrast", 30),
        ("weight", "loss.nonfinite", "hidden.weight", 30),
        ("error", "shape.matmul", "hidden", 30),
    ],
)
def test_the_planted_fault_is_found(mldebug, fault, rule, layer, step):
    done = mldebug("demo", "--inject", fault, "--steps", "60")
    assert "step   30/60  loss " in done.stdout, "progress"
    told = box(done.stderr)
    assert len(told) <= MAX_LINES
    assert rule in told[0]
    first = json.loads(mldebug("errors", "--json").stdout)["findings"][0]
    assert (first["rule"], first.get("layer"), first.get("step")) == (rule, layer, step)
    assert first["solutions"]
    assert f" errors {first['fingerprint'][:8]}" in "".join(told)


@pytest.mark.torch
def test_without_a_fault_the_run_is_healthy_and_says_what_was_watched(mldebug, told):
    done = mldebug("demo", "--inject", "none", "--steps", "60")
    assert done.returncode == 0
    assert "accuracy on 360 unseen digits" in done.stdout
    assert box(done.stderr)[0].startswith("┌─ otel-mldebug: no findings")
    assert told("watched 60 steps, SGD, one model (DigitClassifier) of 38,282 parameters, PyTorch 2.") in told(
        done.stderr
    )


@pytest.mark.parametrize("module", ["torch", "sklearn"])
def test_without_its_packages_it_says_what_to_install_and_how_big_that_is(monkeypatch, capsys, module):
    monkeypatch.setattr(demo, "find_spec", lambda name: None if name == module else object())
    assert main.main(["demo"]) == 2
    told = capsys.readouterr().err
    assert f"{module!r} is needed to train the demo's model but is not installed." in told
    assert "pip install 'otel-mldebug[demo]'" in told
    assert "over 5 GB" in told


@pytest.mark.parametrize("words", [["--steps", "19"], ["--steps", "many"], ["--inject", "gremlins"], ["--seed", "1"]])
def test_options_that_it_does_not_have_are_refused(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main.main(["demo", *words])
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


@pytest.mark.torch
@pytest.mark.skipif(not TORCHRUN.exists(), reason="torchrun is not beside this Python")
def test_over_all_ranks_there_is_one_verdict_and_it_names_the_rank_that_failed(mldebug, script, told):
    script("ranks.py", RANKS)
    done = mldebug("run", TORCHRUN, "--nproc-per-node", "2", "ranks.py", "fail", environ={"OMP_NUM_THREADS": "1"})
    lines = box(done.stderr)
    assert done.returncode == 1
    assert sum(line.startswith("┌") for line in lines) == 1
    assert "shape.matmul" in lines[0]
    assert told("rank 1, on ") in told("".join(lines))
    assert told("7 steps on each of 2 ranks, SGD") in told("".join(lines))


@pytest.mark.torch
@pytest.mark.skipif(not TORCHRUN.exists(), reason="torchrun is not beside this Python")
def test_healthy_ranks_are_counted(mldebug, script, told):
    script("ranks.py", RANKS)
    done = mldebug("run", TORCHRUN, "--nproc-per-node", "2", "ranks.py", environ={"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0
    assert told("watched 12 steps on each of 2 ranks, SGD, one model (Linear) of 18 parameters") in told(done.stderr)


@pytest.mark.torch
def test_steps_of_a_training_that_is_killed_are_in_the_verdict(here, start, script, until, told):
    script(
        "train.py",
        [
            "import os, time, torch",
            "model = torch.nn.Linear(8, 2)",
            "optimizer = torch.optim.Adam(model.parameters())",
            "for step in range(50):",
            "    optimizer.zero_grad(); model(torch.randn(4, 8)).square().mean().backward(); optimizer.step()",
            "time.sleep(2)  # what is a second old is on disk",
            "open('pid', 'w').write(f'{os.getpid()}\\n')",
            "time.sleep(60)",
        ],
    )
    process = start("run", "train.py")
    text = until(
        lambda: (here / "pid").exists() and (here / "pid").read_text().endswith("\n") and (here / "pid").read_text()
    )
    os.kill(int(text), signal.SIGKILL)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert told("train.py was killed by SIGKILL") in told(stderr.decode())
    assert told("50 steps, Adam, one model (Linear) of 18 parameters") in told(stderr.decode())


@pytest.mark.torch
def test_any_copy_of_the_script_runs_alone(here):
    """The script needs nothing of ours, as a user's script does not."""
    import subprocess

    copy = shutil.copy(demo.SCRIPT, here / "mine.py")
    done = subprocess.run(
        [sys.executable, copy, "--inject", "none", "--steps", "20"],
        cwd=here,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[0].startswith("step   10/20  loss ")
