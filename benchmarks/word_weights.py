"""Fits what words say about the category of a failure: `python -m benchmarks.word_weights FILE.jsonl…`.

Learned from: the expressions of the catalogue, which are the words of the libraries themselves; the messages its tests
give for each entry; and labelled messages, of public issue threads and recalled ones, which are not part of this
repository (`exception_type`, `message`, `category`, as in `benchmarks.scores`). A multinomial logistic regression with
L2 penalty; weights near zero are left out. Writes `otel_mldebug/rules/structure/weights.json`; with `--hold FILE.jsonl`
fits without that file and prints how well structure does on it, before and after.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.scores import Row, read
from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.matching import Matcher, Subject
from otel_mldebug.rules.structure.decide import by_form
from otel_mldebug.rules.structure.learned import WEIGHTS, conclusions, words
from otel_mldebug.rules.unwrap import facts_of_json
from otel_mldebug.semconv.names import Category

TESTS = Path(__file__).parents[1] / "tests" / "rules" / "catalogue" / "messages"
_SYNTAX = re.compile(r"\\[wdsSbDW]|\(\?:|\(\?P<\w+>|\.?\{[\d,]+\}|[\\()\[\]{}?*+^$|]")
LEAST_ROWS = 3
"""Rows that a sign must stand in."""
LEAST_WEIGHT = 0.25
PENALTY = 1.0
"""Inverse strength of the penalty: the greater, the closer the fit."""


class Sample(NamedTuple):
    """The signs of one row, its category, and how much the row counts."""

    signs: frozenset[str]
    category: str
    weight: float


def samples(files: Sequence[Path]) -> Iterator[Sample]:
    """Yield everything there is to learn from."""
    forms = Matcher(tuple(pattern for pattern in builtin() if pattern.basis == "structure"))
    known = {pattern.id: pattern for pattern in builtin() if pattern.basis != "structure"}
    for pattern in known.values():
        for message in sorted({match.message for match in pattern.matches if match.message}):
            found = words(Subject(_facts("", _SYNTAX.sub(" ", message))))
            yield Sample(frozenset(found), pattern.category, 0.5)
    for path in sorted(TESTS.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            rule, _, rest = line.partition(" | ")
            if rule in known:
                name, _, message = rest.partition(" | ")
                yield _sample(forms, name, message.replace("\\n", "\n"), known[rule].category, 1.0)
    for path in files:
        for row in read(path):
            yield _sample(forms, row["exception_type"], row["message"], row["category"], 1.0)


def _facts(name: str, message: str) -> Any:
    return facts_of_json({"exception_type": name, "message": message})


def _sample(forms: Matcher, name: str, message: str, category: str, weight: float) -> Sample:
    subject = Subject(_facts(name, message))
    return Sample(frozenset({*words(subject), *conclusions(name, *_form(forms, subject))}), category, weight)


def _form(forms: Matcher, subject: Subject) -> tuple[str, Category]:
    hit = forms.best(subject, expired=lambda: False)
    finding = by_form([subject], hit, subject, "")
    return ("", Category.UNKNOWN) if finding is None else (finding.rule, finding.category)


def fit(rows: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """Return the weights in hundredths: sign -> category -> weight."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    counts = CountVectorizer(analyzer=lambda row: sorted(row.signs), binary=True, min_df=LEAST_ROWS)
    matrix = counts.fit_transform(rows)
    model = LogisticRegression(C=PENALTY, max_iter=300)
    model.fit(matrix, [row.category for row in rows], sample_weight=[row.weight for row in rows])
    weights = {"": {name: round(100 * value) for name, value in zip(model.classes_, model.intercept_, strict=True)}}
    for sign, column in sorted(counts.vocabulary_.items()):
        kept = {
            str(name): round(100 * float(value))
            for name, value in zip(model.classes_, model.coef_[:, column], strict=True)
            if abs(value) >= LEAST_WEIGHT
        }
        if kept:
            weights[sign] = kept
    return weights


def render(weights: dict[str, dict[str, int]]) -> str:
    """Return the content of the file: one sign to a line, in plain ASCII."""
    lines = (f"{json.dumps(sign)}:{json.dumps(row, separators=(',', ':'))}" for sign, row in weights.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def share_right(rows: Sequence[Row], *, structure_only: bool) -> str:
    """Return the share of `rows` whose category is right, and right or accepted, as text."""
    from otel_mldebug.rules.explain import explain

    entries = tuple(p for p in builtin() if p.basis == "structure") if structure_only else None
    findings = [explain(_facts(row["exception_type"], row["message"]), entries) for row in rows]
    pairs = [(finding, row) for finding, row in zip(findings, rows, strict=True) if finding.basis != "pattern"]
    strict = sum(finding.category == row["category"] for finding, row in pairs)
    wide = sum(finding.category in (row["category"], *row.get("category_alt", ())) for finding, row in pairs)
    return f"{strict / max(1, len(pairs)):.3f} {wide / max(1, len(pairs)):.3f} of {len(pairs)}"


def main(arguments: Sequence[str]) -> int:
    """Fit, write, and say how well it does on what was held out."""
    held = [Path(arguments[place + 1]) for place, name in enumerate(arguments) if name == "--hold"]
    files = [Path(name) for name in arguments if name != "--hold" and Path(name) not in held]
    WEIGHTS.write_text(render(fit(list(samples(files)))), encoding="utf-8")
    for path in held:
        rows = read(path)
        print(path.name, "all by structure:", share_right(rows, structure_only=True))
        print(path.name, "what no entry knows:", share_right(rows, structure_only=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
