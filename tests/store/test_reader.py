"""Files as others leave them: torn, damaged, packed, rotated under the reader's eyes."""

import gzip
import json
import os

import pytest

from otel_mldebug.store import reader
from otel_mldebug.store.layout import parse_part, part_name
from otel_mldebug.store.queries import Store
from tests.store.making import occurrence, step, writer


def texts(directory, signal="logs"):
    """Return what each part yields: its number and its lines, None for a damaged one."""
    return [
        (part.number, [line.data and line.data.decode() for line in reader.read_lines(part)])
        for part in reader.open_parts(directory, signal)
    ]


def put(directory, **contents):
    for name, data in contents.items():
        (directory / name.replace("__", ".")).write_bytes(data)


def test_a_last_line_without_a_newline_is_not_there_yet(tmp_path):
    put(tmp_path, logs__jsonl=b"a\nb\nc")
    assert texts(tmp_path) == [(1, ["a\n", "b\n"])]
    put(tmp_path, logs__jsonl=b"a\nb\nc\n")
    assert texts(tmp_path) == [(1, ["a\n", "b\n", "c\n"])]


def test_parts_come_in_order_and_the_live_file_last(tmp_path):
    put(tmp_path, logs__jsonl=b"d\n", logs__0002__jsonl=b"b\n", logs__0010__jsonl=b"c\n", traces__0011__jsonl=b"x\n")
    put(tmp_path, logs__0001__jsonl__gz=gzip.compress(b"a\n"))

    assert texts(tmp_path) == [(1, ["a\n"]), (2, ["b\n"]), (10, ["c\n"]), (11, ["d\n"])]


def test_a_part_that_is_there_packed_and_plain_is_read_once(tmp_path):
    """A process killed between making the one and removing the other leaves both."""
    put(tmp_path, logs__0001__jsonl=b"a\n", logs__0001__jsonl__gz=gzip.compress(b"a\n"))

    assert texts(tmp_path) == [(1, ["a\n"])]


def test_what_is_half_packed_is_not_looked_at(tmp_path):
    put(tmp_path, logs__0001__jsonl=b"a\n")
    (tmp_path / ".logs.0001.jsonl.gz").write_bytes(gzip.compress(b"a\n")[:5])

    assert texts(tmp_path) == [(1, ["a\n"])]


@pytest.mark.parametrize("cut", [1, 9, 15])
def test_a_cut_packed_part_ends_with_a_damaged_line(tmp_path, cut):
    put(tmp_path, logs__0001__jsonl__gz=gzip.compress(os.urandom(500).hex().encode() + b"\nb\n")[:-cut])

    assert texts(tmp_path)[0][1][-1] is None


def test_rubbish_under_the_name_of_a_packed_part_is_one_damaged_line(tmp_path):
    put(tmp_path, logs__0001__jsonl__gz=b"rubbish", logs__jsonl=b"a\n")

    assert texts(tmp_path) == [(1, [None]), (2, ["a\n"])]


def test_a_line_that_is_too_long_is_damaged_and_the_next_one_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_LINE", 10)
    put(tmp_path, logs__jsonl=b"short\n" + b"x" * 35 + b"\nnext\n" + b"y" * 9 + b"\n" + b"z" * 12)

    assert texts(tmp_path) == [(1, ["short\n", None, "next\n", "y" * 9 + "\n", None])]


def test_a_rotation_between_two_looks_neither_repeats_nor_skips(tmp_path, monkeypatch):
    put(tmp_path, logs__jsonl=b"a\n")
    look, looks = reader._numbers, []

    def rotating(directory, signal):
        found = look(directory, signal)
        looks.append(found)
        if len(looks) == 1:
            (directory / "logs.jsonl").rename(directory / "logs.0001.jsonl")
            put(directory, logs__jsonl=b"b\n")
        return found

    monkeypatch.setattr(reader, "_numbers", rotating)

    assert texts(tmp_path) == [(1, ["a\n"]), (2, ["b\n"])]
    assert looks == [[], [1], [1]]


def test_a_part_that_is_packed_while_it_is_looked_for_is_found(tmp_path, monkeypatch):
    put(tmp_path, logs__0001__jsonl=b"a\n")
    opened = reader.gzip.open

    def packing(path, mode):
        try:
            return opened(path, mode)
        finally:
            if (plain := tmp_path / "logs.0001.jsonl").exists():
                put(tmp_path, logs__0001__jsonl__gz=gzip.compress(plain.read_bytes()))
                plain.unlink()

    monkeypatch.setattr(reader.gzip, "open", packing)

    assert texts(tmp_path) == [(1, ["a\n"])]


def test_a_directory_that_is_gone_has_no_parts(tmp_path):
    assert texts(tmp_path / "gone") == []


def test_reading_goes_on_from_an_offset(tmp_path):
    put(tmp_path, logs__0001__jsonl__gz=gzip.compress(b"a\nb\n"), logs__jsonl=b"c\nd\n")
    rest = [[line.data for line in reader.read_lines(part, 2)] for part in reader.open_parts(tmp_path, "logs")]

    assert rest == [[b"b\n"], [b"d\n"]]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]\n", b"null\n", b"\xff\xfe\n", b"[" * 100_000, b'{"a":1' + b"1" * 5000 + b"}"]
)
def test_what_is_no_object_is_damaged(data):
    assert reader.parse(data) is None


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("logs.0001.jsonl", ("logs", 1, False)),
        ("steps.12345.jsonl.gz", ("steps", 12345, True)),
        ("logs.jsonl", None),
        (".logs.0001.jsonl.gz", None),
        ("logs.1.jsonl", None),
        ("logs.0001.jsonl.gz.tmp", None),
    ],
)
def test_names_of_parts(name, parsed):
    assert parse_part(name) == parsed
    if parsed:
        signal, number, packed = parsed
        assert part_name(signal, number, packed=packed) == name


def test_damaged_lines_cost_only_themselves(tmp_path):
    out = writer(tmp_path / "store")
    out.finding(occurrence(1))
    out.step(step(0))
    out.close()
    for signal in ("logs", "steps", "counts"):
        with (out.directory / f"{signal}.jsonl").open("ab") as file:
            file.write(b'{"resourceLogs":[{"torn\n\x00\xff\n[]\n{"v":1,"index":[1,2],"time_ns":[1]}\n')
    again = writer(tmp_path / "store")
    again.finding(occurrence(2, count=2))
    again.step(step(1))
    again.close()
    (again.directory / "steps.jsonl").write_bytes(
        (again.directory / "steps.jsonl").read_bytes() + b'{"v":1,"index":[9],"time_ns":[1],"dur'
    )

    store = Store(tmp_path / "store")
    assert store.findings()[0]["count"] == 3
    assert [s["step"] for s in store.steps()] == [0, 1]
    assert [lane.damaged for lane in store.summary().lanes] == [4, 0]


@pytest.mark.parametrize(
    "logs",
    [
        {"resourceLogs": None},
        {"resourceLogs": {"a": 1}},
        {"resourceLogs": [None, 1, {"resource": 5, "scopeLogs": [{"logRecords": [{"attributes": "x"}, 7]}]}]},
        {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "9" * 30, "attributes": {}}]}]}]},
    ],
)
def test_lines_of_another_shape_hold_no_findings_and_raise_nothing(tmp_path, logs):
    out = writer(tmp_path / "store")
    out.finding(occurrence(1))
    out.close()
    text = json.dumps(logs).replace("}]}]}", '},{"eventName":"mldebug.finding","timeUnixNano":"1e99"}]}]}')
    with (out.directory / "logs.jsonl").open("a") as file:
        file.write(text + "\n")

    assert Store(tmp_path / "store").findings()[-1]["count"] >= 1
