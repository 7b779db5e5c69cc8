"""Exceptions that make their message from several arguments are told as they print themselves, where that is safe."""

import subprocess

import pytest

from otel_mldebug.rules.capture import facts_of
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.messages import MAX_COMMAND, message_of


@pytest.mark.parametrize("command", [["train", "--lr", "0.1"], ("train",), "train --lr 0.1"])
def test_a_failed_command_says_itself_what_failed(command):
    assert message_of(subprocess.CalledProcessError(3, command), timeout_s=1) == (
        f"Command '{command}' returned non-zero exit status 3."
    )
    assert explain(facts_of(subprocess.CalledProcessError(-9, command))).rule == "command.killed"


@pytest.mark.parametrize("command", [["train"] * (MAX_COMMAND + 1), ["train", object()], {"train": 1}])
def test_arguments_that_are_long_or_foreign_are_described_instead(command):
    told = message_of(subprocess.CalledProcessError(3, command), timeout_s=1)
    assert told.startswith("(3, ")
    assert len(told) < 2000


def http_error(type_, message="401 Client Error: Unauthorized for url: https://hub.example/x"):
    return ErrorFacts(type=type_, message=message)


def test_who_asked_a_server_knows_more_than_the_answer():
    asked = ErrorFacts(
        type="huggingface_hub.errors.RepositoryNotFoundError",
        message="401 Client Error. Repository Not Found for url: https://hub.example/x.",
        cause=http_error("httpx.HTTPStatusError"),
    )
    assert explain(asked).rule == "hf.repo_not_found"


@pytest.mark.parametrize("answer", ["httpx.HTTPStatusError", "requests.exceptions.HTTPError"])
def test_the_answer_counts_where_its_wrapper_says_nothing(answer):
    assert explain(ErrorFacts(type="RuntimeError", message="boo", cause=http_error(answer))).rule == "http.forbidden"
