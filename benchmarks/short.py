"""What watching adds to a short run: all of its processor time up to the end, in processes of its own.

What is done once is a fixed part and not a share: importing, installing, and looking into the first steps (see
`looks.schedule.ALLOWANCE_S`). Both parts are told.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.timing import half_quartiles, median

STEPS = 300
_PROGRAM = """
import json, sys, time
import torch
from benchmarks.workloads import WORKLOADS

torch.set_num_threads(1)
torch.manual_seed(0)
program = next(work for work in WORKLOADS if work.name == sys.argv[1]).make(torch)
for _ in range(3):
    program.step()
began_s = time.process_time()
if sys.argv[2] == "on":
    import otel_mldebug

    otel_mldebug.configure(store=sys.argv[3])
installed_s = time.process_time()
for _ in range(int(sys.argv[4])):
    program.step()
    if not _:
        first_s = time.process_time()
if sys.argv[2] == "on":
    otel_mldebug.shutdown()
print(json.dumps([installed_s - began_s, first_s - installed_s, time.process_time() - first_s]))
"""


def run(name: str, state: str) -> tuple[float, float, float]:
    """Return processor seconds of installing, the first step, and all that follows."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    with tempfile.TemporaryDirectory() as directory:
        words = [sys.executable, "-c", _PROGRAM, name, state, str(Path(directory, "store")), str(STEPS)]
        done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
    installing_s, first_s, rest_s = json.loads(done.stdout.splitlines()[-1])
    return installing_s, first_s, rest_s


def measure(quick: bool) -> Iterable[Figure]:
    """Yield, for a small CNN, the fixed part and the ratio of the rest."""
    fixed: list[float] = []
    rests: dict[str, list[float]] = {"off": [], "on": []}
    for _ in range(5 if quick else 15):
        off, on = run("cnn", "off"), run("cnn", "on")
        fixed.append(on[0] + on[1] - off[1])
        rests["off"].append(off[2])
        rests["on"].append(on[2])
    least = min(rests["on"]) / min(rests["off"])  # of whole processes, the least disturbed ones
    note = "small CNN, otel_mldebug imported, installed, first step looked into"
    yield Figure(name="short.fixed", value=median(fixed), unit="s", spread=half_quartiles(fixed), note=note)
    note = f"small CNN, steps 2 to {STEPS}, looks into the first steps and the end of the process included"
    spread = half_quartiles([on / off for on, off in zip(rests["on"], rests["off"], strict=True)])
    yield Figure(name="short.ratio", value=least, unit="x", spread=spread, note=note)
