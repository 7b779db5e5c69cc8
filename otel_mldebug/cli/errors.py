"""`otel-mldebug errors`: what went wrong, grouped; or one group in full."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from otel_mldebug.cli.common import (
    common_options,
    exit_code,
    fail_option,
    moment,
    open_store,
    print_json,
    show,
)
from otel_mldebug.errors import UsageError
from otel_mldebug.store import states
from otel_mldebug.store.analysis import analysed, with_impact, with_states
from otel_mldebug.store.queries import ALL, Store

DECISIONS: tuple[tuple[str, states.Name, str], ...] = (
    ("--resolve", "resolved", "say that this one is resolved; it is shown as reopened if it occurs again"),
    ("--ignore", "ignored", "leave this one out of the list from now on"),
    ("--reopen", "open", "take back what was decided about this one"),
)
"""Options -> what they decide, and their help."""
SETTLED = ("resolved", "ignored")
"""States that no `--fail-on` minds."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `errors`."""
    parser = subparsers.add_parser(
        "errors",
        allow_abbrev=False,
        help="list what went wrong, grouped",
        description="List what went wrong in a run, over all its processes: one entry for each group, the most severe "
        "first. With an id, a fingerprint or a rule: that one in full.",
        epilog="examples:\n  otel-mldebug errors\n  otel-mldebug errors 3fb2a1\n"
        "  otel-mldebug errors --since 10m --fail-on error\n  otel-mldebug errors --run all --json\n"
        "  otel-mldebug errors 3fb2a1 --resolve --note 'smaller batch'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("which", metavar="ID|FINGERPRINT|RULE", nargs="?", help="show this one in full")
    parser.add_argument(
        "--run", metavar="ID", help="the run, or the beginning of its id; the latest by default; or all"
    )
    parser.add_argument(
        "--since", metavar="AGE", help="only what happened since: 90s, 10m, 2h, 3d, or a time with zone"
    )
    parser.add_argument("--all", action="store_true", help="list ignored ones too")
    decision = parser.add_mutually_exclusive_group()
    for option, name, text in DECISIONS:
        decision.add_argument(option, dest="decision", action="store_const", const=name, help=text)
    parser.add_argument("--note", metavar="TEXT", help="why; kept with --resolve, --ignore or --reopen")
    fail_option(parser)
    common_options(parser)


def main(args: argparse.Namespace) -> int:
    """Print the findings; 1 if `--fail-on` says so.

    Raises:
        StoreError: there is no store or no such run.
        UsageError: nothing has the id that was given.
    """
    store = open_store(args)
    since_ns = moment(args.since) if args.since else None
    run_id = args.run if args.run in (None, ALL) else store.run(args.run).run_id
    if args.decision or args.note:
        return _decide(store, store.findings(run_id, since_ns=since_ns), args)
    findings = analysed(store, run_id, since_ns=since_ns)
    hidden = 0
    if args.which:
        (named,) = with_states(store, [find(store, findings, args.which)])
        findings = [with_impact(store, named, named.get("run_id") if run_id is None else run_id)]
    elif not args.all:
        shown = [finding for finding in findings if finding.get("state") != "ignored"]
        hidden, findings = len(findings) - len(shown), shown
    if args.json:
        print_json({"findings": findings})
    else:
        _print(store, findings, args, hidden)
    return exit_code([finding for finding in findings if finding.get("state") not in SETTLED], args.fail_on)


def _decide(store: Store, findings: Sequence[Mapping[str, Any]], args: argparse.Namespace) -> int:
    """Write down what was decided about one group.

    Raises:
        UsageError: no group was named, or nothing decided.
    """
    if not args.decision:
        raise UsageError("--note is kept with a decision: give --resolve, --ignore or --reopen too.")
    if not args.which:
        raise UsageError("Which one? Give an id, a fingerprint or a rule: otel-mldebug errors FINGERPRINT --resolve")
    found = find(store, findings, args.which)
    states.decide(store.root, states.key_of(found), args.decision, time_ns=time.time_ns(), note=args.note or "")
    if args.json:
        print_json({"findings": with_states(store, [found])})
    else:
        print(f"{args.decision}: {found['rule']} ({states.key_of(found)})")
    return 0


def find(store: Store, findings: Sequence[Mapping[str, Any]], which: str) -> dict[str, Any]:
    """Return the one finding that `which` names: an id, or the beginning of a fingerprint or of an id, or a rule.

    It is looked for among `findings`, then in the whole store. An occurrence that is not the first of its group comes
    with the group's counts and times.

    Raises:
        UsageError: there is none, or more than one.
    """
    groups: Sequence[Mapping[str, Any]] = ()
    for groups in (findings, store.findings(ALL)):
        named = [f for f in groups if which in (f.get("id"), f.get("fingerprint"), f["rule"])]
        named = named or [f for f in groups if str(f.get("fingerprint", "")).startswith(which)]
        if len(named) > 1:
            near = ", ".join(str(f.get("fingerprint", f["rule"])) for f in named[:5])
            raise UsageError(f"{which!r} fits {len(named)} findings: {near}. Give one of these.")
        if named:
            return dict(named[0])
    if occurrence := store.occurrence(which):
        group = next((f for f in groups if f.get("fingerprint") == occurrence.get("fingerprint")), {})
        counts = ("count", "suppressed", "share", "rate_per_s", "trend", "first_seen", "last_seen")
        kept = (*counts, "ranks", "hosts", "reported_by")
        return {**occurrence, **{key: group[key] for key in kept if key in group}}
    raise UsageError(
        f"The store {store.root} has no finding {which!r}: expected an id, a fingerprint or a rule. "
        "See which there are with: otel-mldebug errors --run all"
    )


def _print(store: Store, findings: Sequence[Mapping[str, Any]], args: argparse.Namespace, hidden: int) -> None:
    from otel_mldebug.cli import finding_page, finding_table
    from otel_mldebug.cli.render import Look

    look = Look.of(sys.stdout)
    if args.which:
        show(finding_page.lines(findings[0], look))
        return
    runs = store.runs() if args.run == ALL else [store.run(args.run)]
    show(finding_table.lines(runs, findings, look, since=args.since, hidden=hidden))
