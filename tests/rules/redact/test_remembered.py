"""Texts that come again cost little: what became of them is remembered, without the secrets, and counted as before."""

import pytest

from otel_mldebug.rules.redact import Redactor
from otel_mldebug.rules.redact.redactor import MAX_REMEMBERED, MAX_TEXTS

SECRET = "password=" + "hunter22"


def test_what_comes_again_is_replaced_and_counted_again():
    redactor = Redactor()
    first = redactor.text(f"login failed: {SECRET}")
    assert redactor.text(f"login failed: {SECRET}") == first == "login failed: password=[redacted:password]"
    assert redactor.counts == {"password": 2}


def test_no_secret_is_remembered():
    redactor = Redactor()
    redactor.text(f"login failed: {SECRET}")
    assert "hunter22" not in repr(redactor._known)


@pytest.mark.parametrize("length", [MAX_REMEMBERED + 1, 100 * MAX_REMEMBERED])
def test_long_texts_are_not_remembered(length):
    redactor = Redactor()
    redactor.text("x" * length)
    assert not redactor._known


def test_only_so_many_are_remembered():
    redactor = Redactor()
    for number in range(2 * MAX_TEXTS + 10):
        redactor.text(f"loss of step {number}")
    assert 0 < len(redactor._known) <= MAX_TEXTS


def test_lone_surrogates_are_no_trouble():
    redactor = Redactor()
    assert (
        redactor.text("\ud800 " + SECRET) == redactor.text("\ud800 " + SECRET) == "\ud800 password=[redacted:password]"
    )


def test_another_configuration_remembers_for_itself():
    assert Redactor().text(f"{SECRET} 1") == "password=[redacted:password] 1"
    assert Redactor(exempt_keys=("password",)).text(f"{SECRET} 1") == f"{SECRET} 1"
