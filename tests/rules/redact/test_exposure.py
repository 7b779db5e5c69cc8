"""How much of paths, names and command lines is shown at each level."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.redact import exposure
from otel_mldebug.rules.redact.exposure import Exposure, Place

PLACE = Place(home="/home/alice", cwd="/home/alice/project")
WINDOWS = Place(home=r"C:\Users\alice", cwd=r"D:\work\project")
FULL, SHORT, NONE = Exposure


@pytest.mark.parametrize(
    ("place", "file", "short"),
    [
        (PLACE, "/home/alice/project/src/train.py", "src/train.py"),
        (PLACE, "/home/alice/project", "."),
        (PLACE, "/home/alice/project2/x.py", "~/project2/x.py"),
        (PLACE, "/home/alice/other/x.py", "~/other/x.py"),
        (PLACE, "/home/alice", "~"),
        (PLACE, "/home/bob/x.py", "~/x.py"),
        (PLACE, "/Users/bob/x.py", "~/x.py"),
        (PLACE, "/root/x.py", "~/x.py"),
        (PLACE, "/home/alice/project/.venv/lib/python3.11/site-packages/torch/nn/x.py", "site-packages/torch/nn/x.py"),
        (PLACE, "/usr/lib/python3/dist-packages/yaml/x.py", "site-packages/yaml/x.py"),
        (PLACE, "/usr/lib/python3.11/json/decoder.py", "python3.11/json/decoder.py"),
        (PLACE, "/opt/data/x.py", "/opt/data/x.py"),
        (PLACE, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>"),
        (PLACE, "<stdin>", "<stdin>"),
        (PLACE, "train.py", "train.py"),
        (PLACE, "", ""),
        (Place(), "/home/alice/x.py", "~/x.py"),
        (Place(cwd="/", home="/"), "/opt/x.py", "/opt/x.py"),
        (WINDOWS, r"D:\work\project\a\x.py", r"a\x.py"),
        (WINDOWS, r"C:\Users\alice\x.py", r"~/x.py"),
        (WINDOWS, r"C:\Users\bob\x.py", r"~\x.py"),
        (WINDOWS, r"C:\Users\alice\AppData\Python311\Lib\json\x.py", "Lib/json\\x.py"),
    ],
)
def test_the_file_of_a_frame(place, file, short):
    assert exposure.path(file, FULL, place) == file
    assert exposure.path(file, SHORT, place) == short
    assert exposure.path(file, NONE, place) == ""


TRACE = """Traceback (most recent call last):
  File "/home/alice/project/train.py", line 3, in main
    load("/home/alice/data/my set/x.bin")
  File "/home/alice/my env/lib/python3.11/site-packages/torch/serialization.py", line 1, in load
FileNotFoundError: [Errno 2] No such file or directory: '/home/alice/data/x.bin'
"""


def test_a_stack_trace():
    assert exposure.trace(TRACE, FULL, PLACE) == TRACE
    assert exposure.trace(TRACE, NONE, PLACE) == ""
    assert exposure.trace(TRACE, SHORT, PLACE) == (
        "Traceback (most recent call last):\n"
        '  File "train.py", line 3, in main\n'
        '    load("~/data/my set/x.bin")\n'
        '  File "site-packages/torch/serialization.py", line 1, in load\n'
        "FileNotFoundError: [Errno 2] No such file or directory: '~/data/x.bin'\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot open /home/alice/x.bin: denied", "cannot open ~/x.bin: denied"),
        ("--data=/home/bob/d (see ~/log)", "--data=~/d (see ~/log)"),
        ("GET https://x.org/home/alice/y failed", "GET https://x.org/home/alice/y failed"),
        ("1/2 of a/home/alice", "1/2 of a/home/alice"),
        ("no path", "no path"),
    ],
)
def test_a_message_is_shown_without_private_paths_at_both_lower_levels(text, shown):
    assert exposure.message(text, FULL, PLACE) == text
    assert exposure.message(text, SHORT, PLACE) == shown == exposure.message(text, NONE, PLACE)


@pytest.mark.parametrize(
    ("host", "short"), [("gpu-07.cluster.corp", "gpu-07"), ("gpu", "gpu"), ("10.0.0.7", ""), ("fe80::1", ""), ("", "")]
)
def test_a_host_name(host, short):
    assert exposure.hostname(host, FULL) == host
    assert exposure.hostname(host, SHORT) == short
    assert exposure.hostname(host, NONE) == ""


def test_a_user_name():
    assert exposure.username("alice", FULL) == "alice"
    assert exposure.username("alice", SHORT) == "user-2bd806c9"
    assert exposure.username("alice", NONE) == ""
    assert exposure.username("", SHORT) == ""


def test_a_command_line():
    arguments = ["/home/alice/project/train.py", "--out=/home/alice/runs", "3"]

    assert exposure.argv(arguments, FULL, PLACE) == arguments
    assert exposure.argv(arguments, SHORT, PLACE) == ["train.py", "--out=~/runs", "3"]
    assert exposure.argv(arguments, NONE, PLACE) == []


@given(st.text(max_size=200), st.sampled_from(Exposure))
def test_no_text_makes_it_raise(text, level):
    for function in (exposure.path, exposure.trace, exposure.message):
        assert isinstance(function(text, level, PLACE), str)
    assert isinstance(exposure.hostname(text, level) + exposure.username(text, level), str)
