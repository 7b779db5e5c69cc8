"""Functions that write are timed, each call once, in the thread that waits for it."""

import bz2
import gzip
import io
import json
import os
import pickle
import shutil
import sys
import threading
import zlib
from types import ModuleType

import pytest

from otel_mldebug.instrument.training.steps.saves import Saves


@pytest.fixture
def saves():
    """Saves on which each look at the clock is a second after the one before."""
    ticks = iter(range(1000))
    made = Saves(lambda: float(next(ticks)))
    made.install()
    yield made
    made.remove()


def write_gzip(tmp_path):
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write(b"weights" * 1000)


def copy_file(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    shutil.copyfile(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda tmp_path: pickle.dump([1], io.BytesIO()), "pickle.dump"),
        (lambda tmp_path: pickle.dumps([1]), "pickle.dumps"),
        (write_gzip, "gzip.GzipFile.write"),
        (lambda tmp_path: zlib.compress(b"1"), "zlib.compress"),
        (lambda tmp_path: bz2.compress(b"1"), "bz2.compress"),
        (lambda tmp_path: json.dump({"a": 1}, io.StringIO()), "json.dump"),
        (copy_file, "shutil.copyfile"),
    ],
)
def test_what_writes_is_timed(saves, tmp_path, write, name):
    write(tmp_path)

    found = saves.take()
    assert found["saved_by"] == name
    assert found["save_s"] >= 1.0
    assert saves.take() == {}


def test_what_writes_inside_of_another_counts_once(saves, tmp_path):
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        pickle.dump(b"1" * 100_000, file)
    within = saves.take()
    saves.saving(lambda: pickle.dumps([1]))()

    assert within["save_s"] == 2.0  # `dump`, and the end of the file
    assert saves.take() == {"save_s": 1.0, "saved_by": "torch.save"}


def test_the_one_that_took_most_is_named(saves):
    json.dump({}, io.StringIO())
    for _ in range(2):
        pickle.dumps([1])

    assert saves.take() == {"save_s": 3.0, "saved_by": "pickle.dumps"}


def test_a_thread_that_writes_delays_nobody_else(saves):
    thread = threading.Thread(target=pickle.dumps, args=([1],))
    thread.start()
    thread.join()

    assert saves.take() == {}


def test_what_only_reads_or_makes_strings_is_not_timed(saves, tmp_path):
    text = json.dumps({"a": 1})
    blob = pickle.dumps(text)
    saves.take()
    assert pickle.loads(blob) == text
    (tmp_path / "a").write_text(text)
    assert json.loads((tmp_path / "a").read_text()) == {"a": 1}

    assert saves.take() == {}


def test_functions_that_are_timed_can_still_be_pickled(saves):
    assert pickle.loads(pickle.dumps(pickle.dumps)) is pickle.dumps
    assert pickle.loads(pickle.dumps(os.fsync)) is os.fsync


def test_exceptions_pass_and_are_timed(saves):
    with pytest.raises(TypeError):
        json.dump({"a": object()}, io.StringIO())

    assert saves.take() == {"save_s": 1.0, "saved_by": "json.dump"}


@pytest.fixture
def no_joblib(monkeypatch):
    monkeypatch.delitem(sys.modules, "joblib", raising=False)


def test_modules_that_are_imported_later_are_timed_too(no_joblib, saves, tmp_path, monkeypatch):
    (tmp_path / "joblib.py").write_text("def dump(value, path):\n    return [path]\n")
    monkeypatch.syspath_prepend(tmp_path)
    import joblib

    assert joblib.dump(1, "there") == ["there"]
    assert saves.take() == {"save_s": 1.0, "saved_by": "joblib.dump"}
    del sys.modules["joblib"]


def test_functions_that_a_module_does_not_have_are_left_out(saves):
    lacking = ModuleType("tarfile")

    assert saves._replaced(lacking) == []


def test_all_is_put_back():
    before = pickle.dump, pickle.dumps, gzip.GzipFile.write, json.dump, os.fsync, shutil.copyfile
    saves = Saves()
    saves.install()
    held = pickle.dumps
    assert held is not before[1]
    saves.remove()

    assert (pickle.dump, pickle.dumps, gzip.GzipFile.write, json.dump, os.fsync, shutil.copyfile) == before
    assert held([1]) == pickle.dumps([1])
    assert saves.take() == {}
