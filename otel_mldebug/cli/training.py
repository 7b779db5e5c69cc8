"""`otel-mldebug training`: the steps of a run: phases, loss, gradient norm, the first bad step."""

import argparse
import json
import re
import sys

from otel_mldebug.cli.common import common_options, exit_code, fail_option, open_store, print_json, show
from otel_mldebug.errors import UsageError
from otel_mldebug.store.looks import layer_curves, looks
from otel_mldebug.store.queries import Store
from otel_mldebug.store.training import Training


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `training`."""
    parser = subparsers.add_parser(
        "training",
        allow_abbrev=False,
        help="show the training steps of a run",
        description="Show how a training went: where the time of a step goes, loss, gradient norm, learning rate and "
        "step time, the first bad step, the findings, and the ranks side by side.",
        epilog="examples:\n  otel-mldebug training\n  otel-mldebug training 2026-11-21 --steps 100:200\n"
        "  otel-mldebug training --layers\n"
        "  otel-mldebug training 2026-11-20 --vs 2026-11-21\n  otel-mldebug training --json --fail-on error",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "which", metavar="RUN", nargs="?", help="id of the run, or its beginning; the latest by default"
    )
    parser.add_argument("--run", metavar="ID", help="the same")
    parser.add_argument("--layers", action="store_true", help="show what was seen of each layer")
    parser.add_argument("--vs", metavar="RUN2", help="compare with another run: settings, times, losses, findings")
    parser.add_argument("--steps", metavar="A:B", help="only these steps, both included: 100:200, 100:, :200, 150")
    fail_option(parser)
    common_options(parser)


def main(args: argparse.Namespace) -> int:
    """Print the training of a run; 1 if `--fail-on` says so.

    Raises:
        StoreError: there is no store or no such run.
        UsageError: two runs were given, or the steps cannot be understood.
    """
    if args.which and args.run:
        raise UsageError(f"Two runs were given, {args.which!r} and {args.run!r}: give one.")
    first, last = parse_steps(args.steps)
    store = open_store(args)
    training = store.summary(args.which or args.run, first=first, last=last)
    if args.vs:
        _compare(store, training, args, first, last)
    elif args.json:
        _print_json(store, training, first, last, layers=args.layers)
    else:
        from otel_mldebug.cli import training_page
        from otel_mldebug.cli.render import Look

        look = Look.of(sys.stdout)
        page = training_page.lines(training, look, first=first)
        if args.layers:
            from otel_mldebug.cli import layers_page

            page += ["", *layers_page.lines(layer_curves(looks(training.run, first, last)), look)]
        show(page)
    return exit_code(training.findings, args.fail_on)


def parse_steps(text: str | None) -> tuple[int, int | None]:
    """Return the first and the last step of `A:B`.

    Raises:
        UsageError: it cannot be understood, or is empty.
    """
    if text is None:
        return 0, None
    match = re.fullmatch(r"(\d*):(\d*)|(\d+)", text.strip(), re.ASCII)
    if not match:
        raise UsageError(f"--steps {text!r} is not usable: expected 100:200, 100:, :200 or 150.")
    if match[3]:
        return int(match[3]), int(match[3])
    first, last = int(match[1] or 0), int(match[2]) if match[2] else None
    if last is not None and last < first:
        raise UsageError(f"--steps {text!r} is not usable: it ends before it begins.")
    return first, last


def _compare(store: Store, one: Training, args: argparse.Namespace, first: int, last: int | None) -> None:
    from otel_mldebug.cli import compare_page, layers_page
    from otel_mldebug.cli.render import Look
    from otel_mldebug.store.comparing import compare

    other = store.summary(args.vs, first=first, last=last)
    names = (training.run.path.name for training in (one, other))
    found = compare(one, other, *(store.steps(name, first=first, last=last) for name in names))
    layers = [layer_curves(looks(training.run, first, last)) for training in (one, other)] if args.layers else []
    if args.json:
        shown = {"layers": [[layer.to_json() for layer in curves] for curves in layers]} if layers else {}
        print_json({**found.to_json(), **shown})
        return
    look = Look.of(sys.stdout)
    page = compare_page.lines(found, look)
    for training, curves in zip((one, other), layers, strict=False):
        page += ["", look.paint(f"Layers of {training.run.run_id}", "strong"), *layers_page.lines(curves, look)]
    show(page)


def _print_json(store: Store, training: Training, first: int, last: int | None, *, layers: bool) -> None:
    """Print one document, step by step: a long run has more of them than fit into memory."""
    head = training.to_json()
    findings = head.pop("findings")
    del head["steps"]
    if layers:
        head["layers"] = [layer.to_json() for layer in layer_curves(looks(training.run, first, last))]
    print(json.dumps(head, indent=2, allow_nan=False)[:-2] + ',\n  "steps": [', end="")
    before = "\n"
    for step in store.steps(training.run.path.name, first=first, last=last):
        print(f"{before}    {json.dumps(step, allow_nan=False)}", end="")
        before = ",\n"
    print("\n  ],")
    print('  "findings": ' + json.dumps(findings, indent=2, allow_nan=False).replace("\n", "\n  ") + "\n}")
