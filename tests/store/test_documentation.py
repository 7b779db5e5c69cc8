"""The examples of the reference are what the code prints."""

import json
import re
from pathlib import Path

from otel_mldebug.store.contract import ORDER
from otel_mldebug.store.lines import records, step_columns
from otel_mldebug.store.queries import Store
from tests.store.making import occurrence, recorded, step, writer

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def examples(page, language="json"):
    return re.findall(rf"```{language}\n(.*?)```", (REFERENCE / page).read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_of_a_finding_has_every_key_in_its_order():
    (finding,) = json.loads(examples("json.md")[0])["findings"]

    assert tuple(finding) == ORDER


def test_the_example_of_a_training_has_every_key_in_its_order(root):
    example = json.loads(examples("json.md")[1])
    out = writer(root, rank=0)
    out.watched(example["watched"])
    for number, known in enumerate(example["steps"]):
        fields = {key: float(value) if value in ("NaN", "Infinity") else value for key, value in known.items()}
        out.step(step(number, **{key: value for key, value in fields.items() if key not in ("step", "rank")}))
    out.close()
    printed = Store(root).training()

    for document in (printed, example):
        del document["run_id"], document["status"], document["by_process"][0]["process"]
    assert json.dumps(printed) == json.dumps(example)


def test_the_examples_of_the_files_can_be_read(root):
    steps, counts = map(json.loads, examples("store.md"))
    read = records(step_columns(steps))
    assert [(record.index, repr(record.loss), record.optimizer) for record in read] == [
        (0, "2.3", "SGD"),
        (1, "None", "SGD"),
        (2, "nan", "SGD"),
    ]
    out = recorded(root, occurrence(1), close=False)
    (fingerprint,) = counts["count"]
    out.counted("f00d", counts["count"][fingerprint])
    out.flush()
    (line,) = map(json.loads, (out.directory / "counts.jsonl").read_text().splitlines())
    assert {**line, "count": {fingerprint: line["count"]["f00d"]}} == counts


def test_the_python_example_runs(root, monkeypatch, capsys):
    recorded(root.parent / ".mldebug", occurrence(1))
    monkeypatch.chdir(root.parent)
    (code,) = examples("json.md", "python")
    exec(compile(code, "json.md", "exec"), {})

    assert capsys.readouterr().out == "error cuda.oom 1\n"
