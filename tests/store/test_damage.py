"""Whatever happens to the files, questions are answered from what is left."""

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_mldebug.cli import finding_page, finding_table, training_page
from otel_mldebug.cli.render import Look
from otel_mldebug.errors import StoreError
from otel_mldebug.semconv import names
from otel_mldebug.store.contract import finding_json, occurrences_in
from otel_mldebug.store.layout import write_json
from otel_mldebug.store.queries import ALL, Store
from otel_mldebug.store.training import Training
from tests.cli.stored import RUN, nan_run
from tests.store.making import START, files


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    root = nan_run(tmp_path_factory.mktemp("sound") / "store", steps=95)
    write_json(root / RUN / "run.json", {"run_id": RUN, "started": START, "exit_code": 1, "argv": ["a"], "pid": 1})
    Store(root).findings()
    return root


def ask_everything(root):
    """Ask a store all that the commands ask, and write it out as they do."""
    store = Store(root)
    runs = store.runs()
    for run in runs:
        json.dumps(run.to_json(), allow_nan=False)
        findings = store.findings(run.path.name)
        json.dumps(findings, allow_nan=False)
        finding_table.lines([run], findings, Look())
        for finding in findings:
            finding_page.lines(finding, Look())
            store.occurrence(finding.get("id", ""))
        json.dumps(store.training(run.path.name), allow_nan=False)
        training_page.lines(store.summary(run.path.name), Look())
    if runs:
        store.findings(ALL, since_ns=0)


snippets = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [
            b"\n",
            b"\x00",
            b"null",
            b'"',
            b"{}",
            b"[]",
            b"-1",
            b"1e999",
            b'"NaN"',
            b"9" * 30,
            b"true",
            b'{"v":1}\n',
            b"\xff",
        ]
    ),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_damaged_bytes_never_reach_the_user_as_an_exception(sound, tmp_path, data):
    root = tmp_path / "store"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(sound, root)
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        path = root / data.draw(st.sampled_from(files(root)), label="file")
        content = path.read_bytes()
        place = data.draw(st.integers(0, len(content)), label="place")
        gone = data.draw(st.integers(0, 40), label="bytes removed")
        path.write_bytes(content[:place] + data.draw(snippets, label="put in") + content[place + gone :])
    try:
        ask_everything(root)
    except StoreError as exc:
        assert "has format" in str(exc)


any_values = st.recursive(
    st.one_of(
        st.builds(lambda v: {"stringValue": v}, st.text(st.characters(), max_size=5) | st.none()),
        st.builds(lambda v: {"intValue": v}, st.integers() | st.integers().map(str) | st.text(max_size=3)),
        st.builds(lambda v: {"doubleValue": v}, st.floats() | st.sampled_from(["NaN", "Infinity", "x"])),
        st.builds(lambda v: {"boolValue": v}, st.booleans()),
        st.sampled_from([{}, None, 5, "x", [], {"arrayValue": 5}, {"kvlistValue": {"values": [5]}}]),
    ),
    lambda inner: st.one_of(
        st.builds(lambda v: {"arrayValue": {"values": v}}, st.lists(inner, max_size=3)),
        st.builds(
            lambda v: {"kvlistValue": {"values": v}},
            st.lists(
                st.builds(
                    lambda k, v: {"key": k, "value": v},
                    st.sampled_from(["type", "message", "frames", "chain", "file", "line", "stacktrace"]),
                    inner,
                ),
                max_size=3,
            ),
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), any_values), min_size=1, max_size=4), any_values, any_values)
def test_a_finding_of_any_shape_can_be_printed_and_shown(sound, changes, rank, host):
    (line,) = (json.loads(text) for text in sorted(sound.glob("*/*/logs.jsonl"))[0].read_text().splitlines()[1:])
    ((entry,),) = (scope["logRecords"] for scope in line["resourceLogs"][0]["scopeLogs"])
    for place, value in changes:
        entry["attributes"][place % len(entry["attributes"])]["value"] = value
    line["resourceLogs"][0]["resource"]["attributes"] = [
        {"key": names.MLDEBUG_RANK, "value": rank},
        {"key": names.HOST_NAME, "value": host},
    ]
    for occurrence, resource in occurrences_in(line):
        found = finding_json(occurrence, resource)
        json.dumps(found, allow_nan=False)
        run = Store(sound).latest()
        assert finding_table.lines([run], [found], Look())
        assert finding_page.lines(found, Look())
        assert training_page.lines(Training(run=run, findings=[found]), Look())


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(), max_size=5)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def replaced(value, path, new):
    """Return `value` with what is at `path` replaced; a path that leads nowhere changes nothing."""
    if not path:
        return new
    if isinstance(value, dict) and value:
        key = sorted(value)[path[0] % len(value)]
        return {**value, key: replaced(value[key], path[1:], new)}
    if isinstance(value, list) and value:
        place = path[0] % len(value)
        return [*value[:place], replaced(value[place], path[1:], new), *value[place + 1 :]]
    return value


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_values_of_another_kind_never_reach_the_user_as_an_exception(sound, tmp_path, data):
    root = tmp_path / "store"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(sound, root)
    named = [name for name in files(root) if name.endswith((".json", ".jsonl"))]
    path = root / data.draw(st.sampled_from(named), label="file")
    places = st.lists(st.integers(0, 20), min_size=1, max_size=14)
    lines = [
        json.dumps(replaced(json.loads(line), data.draw(places, label="where"), data.draw(values, label="what")))
        for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines) + "\n")
    try:
        ask_everything(root)
    except StoreError as exc:
        assert "has format" in str(exc)
