"""JSON-like values: nested containers, dataclasses, argument lists, cycles, hostile objects."""

import datetime
import enum
import pathlib
import uuid
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from types import MappingProxyType

import pytest

from otel_mldebug.rules.redact import Redactor

GITHUB = "ghp_" + "aB3dE5fG7h" * 4


@dataclass
class Settings:
    api_key: str
    model: str = "gpt2"


Login = namedtuple("Login", ["user", "password"])


class Mode(enum.Enum):
    TRAIN = "train"


VALUES = [
    ({"api_key": "abc", "pad_token_id": 0}, {"api_key": "[redacted:api-key]", "pad_token_id": 0}),
    ({"a": [{"b": ({"password": "x y"},)}]}, {"a": [{"b": ({"password": "[redacted:password]"},)}]}),
    ({"text": f"see {GITHUB}"}, {"text": "see [redacted:github-token]"}),
    ([GITHUB, 1, None, 2.5, True], ["[redacted:github-token]", 1, None, 2.5, True]),
    ({GITHUB: 1}, {"[redacted:github-token]": 1}),
    ({1: "a", None: "b"}, {1: "a", None: "b"}),
    ({"password": None, "secret": True, "token": ""}, {"password": None, "secret": True, "token": ""}),
    ({"password": 12345, "token": 50256, "api_key": 123456}, {"password": "[redacted:password]", "token": 50256,
                                                             "api_key": "[redacted:api-key]"}),
    ({"token": "<pad>", "tokens": ["a", "b"]}, {"token": "<pad>", "tokens": ["a", "b"]}),
    ({"token": [1, 2, 3]}, {"token": [1, 2, 3]}),
    ({"api_keys": ["ab1", "cd2"]}, {"api_keys": ["[redacted:api-key]", "[redacted:api-key]"]}),
    ({"secrets": {"db": "abc"}}, {"secrets": {"db": "[redacted:secret]"}}),
    (
        {"credentials": {"type": "user", "username": "bob", "value": "x1"}},
        {"credentials": {"type": "user", "username": "bob", "value": "[redacted:credential]"}},
    ),
    ({"auth": ["user", "pw"]}, {"auth": ["user", "[redacted:authorization]"]}),
    ({"auth": ("user", "pw")}, {"auth": ("user", "[redacted:authorization]")}),
    ({"Authorization": "Bearer abc"}, {"Authorization": "Bearer [redacted:authorization]"}),
    ({"Authorization": "abc"}, {"Authorization": "[redacted:authorization]"}),
    ({"Cookie": "a=1; b=2"}, {"Cookie": "a=[redacted:cookie]; b=[redacted:cookie]"}),
    ({"cookie": f"a=1 {GITHUB}"}, {"cookie": "a=[redacted:cookie] [redacted:github-token]"}),
    ({"cookie": "abc"}, {"cookie": "[redacted:cookie]"}),
    (
        [["Authorization", "Bearer x"], ["Accept", "*/*"]],
        [["Authorization", "Bearer [redacted:authorization]"], ["Accept", "*/*"]],
    ),
    ([("x-api-key", "abc"), ("a", "b")], [("x-api-key", "[redacted:api-key]"), ("a", "b")]),
    (["password", "username", "token"], ["password", "username", "token"]),
    ([{"name": "DB_PASSWORD", "value": "x"}], [{"name": "DB_PASSWORD", "value": "[redacted:password]"}]),
    ([{"name": "LR", "value": "0.1"}], [{"name": "LR", "value": "0.1"}]),
    (["t.py", "--api-key", "abc", "--lr", "1"], ["t.py", "--api-key", "[redacted:api-key]", "--lr", "1"]),
    (["--token=abc", "--tokenizer", "gpt2"], ["--token=[redacted:token]", "--tokenizer", "gpt2"]),
    (Settings("abc"), {"api_key": "[redacted:api-key]", "model": "gpt2"}),
    (Login("bob", "pw"), {"user": "bob", "password": "[redacted:password]"}),
    (OrderedDict(password="x"), {"password": "[redacted:password]"}),
    (MappingProxyType({"password": "x"}), {"password": "[redacted:password]"}),
    ({"b": b"password=abc", "password": b"abc"}, {"b": b"password=[redacted:password]",
                                                   "password": b"[redacted:password]"}),
    ({"pwd": "/home/a/b", "ssl_key": "/etc/ssl/key.pem"}, {"pwd": "/home/a/b", "ssl_key": "/etc/ssl/key.pem"}),
    ({"key": "abc123def456", "author": "Bob"}, {"key": "abc123def456", "author": "Bob"}),
    ({Mode.TRAIN: Mode.TRAIN}, {"Mode": "train"}),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    ({"shape": (1, 2), "commit": "0123456789" * 4}, {"shape": (1, 2), "commit": "0123456789" * 4}),
    ({"b", "a"}, ["a", "b"]),
    (float, "<builtins.type>"),
    (object(), "<builtins.object>"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), VALUES, ids=range(len(VALUES)))
def test_a_value_comes_out_without_its_secrets(value, expected):
    assert Redactor().value(value) == expected


@pytest.mark.parametrize(
    "value", [1, 2.5, None, True, datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), uuid.uuid4(), 1 + 2j]
)
def test_plain_values_pass_through_as_they_are(value):
    assert Redactor().value(value) is value


def test_the_value_that_came_in_is_not_changed():
    value = {"password": "x", "a": [{"token": "abc1"}]}
    Redactor().value(value)

    assert value == {"password": "x", "a": [{"token": "abc1"}]}


def test_a_cycle_ends():
    value = {"a": [1]}
    value["a"].append(value)
    same = [1]

    assert Redactor().value(value) == {"a": [1, "[cycle]"]}
    assert Redactor().value([same, same]) == [[1], [1]]


def test_depth_and_number_of_values_are_bounded():
    deep = "x"
    for _ in range(100):
        deep = [deep]
    shallow = Redactor(max_depth=3).value(deep)

    assert shallow == [[["[too deep]"]]]
    assert Redactor(max_values=3).value([1, 2, 3, 4]) == [1, 2, 3, "[left out]"]
    assert Redactor(max_values=2).value({"a": 1, "b": 2, "c": 3}) == {"a": 1, "b": 2, "[left out]": "more"}
    assert Redactor(max_depth=10_000).value(deep) is not None


class Hostile(dict):
    def items(self):
        raise RuntimeError("no")


class Unprintable(str):
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __hash__ = None


@dataclass
class Raises:
    a: int = 1

    def __getattribute__(self, name):
        if name == "a":
            raise KeyError(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Hostile(a=1), "[unreadable]"),
        (Raises(), "[unreadable]"),
        ([Unprintable("password=abc")], ["password=[redacted:password]"]),
        ({"a": Hostile()}, {"a": "[unreadable]"}),
    ],
)
def test_a_hostile_object_breaks_nothing(value, expected):
    assert Redactor().value(value) == expected


def test_items_arguments_and_environment():
    redactor = Redactor()

    assert redactor.item("api_key", "abc") == "[redacted:api-key]"
    assert redactor.item("pad_token", "abc") == "abc"
    assert redactor.item("args", {"password": "abc"}) == {"password": "[redacted:password]"}
    assert redactor.argv(["x", "--password", "abc"]) == ["x", "--password", "[redacted:password]"]
    assert redactor.environ({"HF_TOKEN": "abc", "PWD": "/x/y", "DATABASE_URL": "redis://:pw@h/0"}) == {
        "HF_TOKEN": "[redacted:token]",
        "PWD": "/x/y",
        "DATABASE_URL": "redis://:[redacted:url-password]@h/0",
    }
