"""A program in which things go wrong as told, and which reports them: `otel-mldebug simulate` starts it."""

import argparse

import otel_mldebug
from otel_mldebug.demo.failures import FAILURES, Failure
from otel_mldebug.semconv.names import Category


def provoke(failure: Failure, count: int) -> int:
    """Let one thing go wrong `count` times and report it; return how often it did."""
    num = 0
    for _ in range(count):
        try:
            failure.run()
        except Exception as exc:  # noqa: BLE001  (whatever it is, it was asked for)
            otel_mldebug.capture_exception(exc, context={"simulated": str(failure.category)})
        else:
            if failure.raises:
                continue
        num += 1
    return num


def main() -> int:
    """Let everything go wrong that was asked for; 1 if something did not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("categories", nargs="+", choices=[str(category) for category in Category])
    args = parser.parse_args()
    missed = 0
    for failure in FAILURES:
        if str(failure.category) not in args.categories:
            continue
        num = provoke(failure, args.count)
        missed += num != args.count
        if not args.quiet:
            how = "" if failure.real else f" (imitated: {', '.join(failure.needs)} is not installed)"
            print(f"{failure.category}: {failure.what}{how}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
