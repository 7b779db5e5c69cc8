"""`otel-mldebug demo`: an ordinary training script with a fault planted in mid-run, watched as yours would be."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from otel_mldebug.cli.program import Program
from otel_mldebug.cli.run import add_watch_options, watch
from otel_mldebug.errors import MissingDependencyError

SCRIPT = Path(__file__).resolve().parent.parent / "demo" / "train_digits.py"

FAULTS = {
    "nan": "blank images reach a layer that divides by the brightest value (the default)",
    "weight": "one weight becomes NaN",
    "lr": "the learning rate jumps to a thousand times its value",
    "error": "a batch has images of the wrong size",
    "none": "no fault: a healthy run",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `demo`."""
    faults = "\n".join(f"  {name:<8}{text}" for name, text in FAULTS.items())
    parser = subparsers.add_parser(
        "demo",
        allow_abbrev=False,
        help="see what is found in a run with a planted fault",
        description="Train a small classifier on scikit-learn's digits, on the CPU, in a few seconds. The script holds "
        "not one line of instrumentation; --inject plants a fault in mid-run.",
        epilog=f"faults:\n{faults}\n\nexamples:\n  otel-mldebug demo\n  otel-mldebug demo --inject none --steps 300",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--inject", choices=FAULTS, default="nan", metavar="FAULT", help="what goes wrong; see below")
    parser.add_argument(
        "--steps", type=_steps, default=120, metavar="N", help="training steps, at least 20; 120 by default"
    )
    add_watch_options(parser)


def main(args: argparse.Namespace) -> int:
    """Run the script under the supervisor.

    Raises:
        MissingDependencyError: PyTorch or scikit-learn is not installed.
    """
    for module in ("torch", "sklearn"):
        if find_spec(module) is None:
            raise _missing(module)
    print(f"python {SCRIPT} --inject {args.inject} --steps {args.steps}", flush=True)
    words = (sys.executable, str(SCRIPT), "--inject", args.inject, "--steps", str(args.steps))
    return watch(Program(executable=sys.executable, argv=words, label=SCRIPT.name), args)


def _steps(text: str) -> int:
    steps = int(text)
    if steps < 20:
        raise argparse.ArgumentTypeError(f"{steps} steps are too few: at least 20")
    return steps


def _missing(module: str) -> MissingDependencyError:
    error = MissingDependencyError(module, needed_to="train the demo's model", extra="demo")
    hint = (
        "PyTorch from PyPI takes over 5 GB on Linux, with CUDA. For the CPU alone, about 1 GB:\n"
        "  pip install torch --index-url https://download.pytorch.org/whl/cpu\n"
        "Without either, any program can be watched: otel-mldebug run PROGRAM"
    )
    error.msg = f"{error}\n{hint}"
    return error
