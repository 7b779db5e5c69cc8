"""`python -m benchmarks.diagnosis`: run the suite, print a table as it goes; 0 when all is as it should be."""

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks.diagnosis.program import programs
from benchmarks.diagnosis.running import results
from benchmarks.diagnosis.scores import HEADING, document, line, summary


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 when every fault was found and nothing else, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="programs whose name contains this")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="run each with this many seeds, 1 by default")
    parser.add_argument("--first-seed", type=int, default=0, metavar="SEED", help="the first of them, 0 by default")
    parser.add_argument("--fast", action="store_true", help="only the subset that is run as a test")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout; the table goes to stderr")
    parser.add_argument("--list", action="store_true", help="name the programs and run none")
    options = parser.parse_args(argv)
    chosen = programs(only=tuple(options.only), fast=options.fast)
    out = sys.stderr if options.json else sys.stdout
    if not chosen:
        parser.error("no program of that name; --list names them all")
    if options.list:
        print("\n".join(f"{program.name:<40} {program.fault}".rstrip() for program in chosen))
        return 0
    done = []
    print(HEADING, file=out, flush=True)
    for result in results(chosen, seeds=options.seeds, first=options.first_seed):
        done.append(result)
        print(line(result), file=out, flush=True)
    print(summary(done), file=out)
    if options.json:
        print(json.dumps(document(done), indent=2))
    return 0 if all(result.good for result in done) else 1


if __name__ == "__main__":
    raise SystemExit(main())
