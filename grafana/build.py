"""Write the generated files: `python -m grafana.build`, and `--check` to see whether they are up to date."""

import sys
from pathlib import Path

from grafana.alerting import alerts, recording

HERE = Path(__file__).resolve().parent
WANTED = "Generating them needs grafana-foundation-sdk (dependency group stack), which needs Python 3.11 or newer."


def files() -> dict[Path, str]:
    """Return the content of every generated file by its path. Pure: the same input gives the same bytes.

    Raises:
        ModuleNotFoundError: Grafana's SDK is not installed.
    """
    from grafana.boards import rendered  # these need Grafana's SDK; the rest of this module is for everybody
    from grafana.overview import OVERVIEW
    from grafana.training import TRAINING

    return {
        **{HERE / "dashboards" / f"{board.name.lower()}.json": rendered(board) for board in (OVERVIEW, TRAINING)},
        HERE / "rules" / "alerts.yaml": alerts(),
        HERE / "rules" / "recording.yaml": recording(),
    }


def main(arguments: list[str]) -> int:
    """Write or check; return the exit code."""
    try:
        made = files()
    except ModuleNotFoundError as error:
        print(f"dashboards and rules stay as they are: {error}. {WANTED}", file=sys.stderr)
        return 0
    stale = [p for p, text in made.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(HERE.parent)} is out of date; run: python -m grafana.build", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path], encoding="utf-8")
        print(f"wrote {path.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
