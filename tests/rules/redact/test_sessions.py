"""Ids of web sessions outside of cookie headers: credentials go, names of runs and sessions stay."""

import pytest

from otel_mldebug.rules.redact import Redactor

HEX = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"
MIXED = "el4ukv0kqbvoirg7nkp4dncpk3"


@pytest.mark.parametrize(
    ("around", "kind", "secret"),
    [
        ("sessionid={}", "session", MIXED),
        ("retry with JSESSIONID={} failed", "session", HEX),
        ("PHPSESSID={}; more", "session", MIXED),
        ("GET http://host/x;jsessionid={}?page=2", "session", HEX),
        ('{{"JSESSIONID": "{}"}}', "session", HEX),
        ("{{'sessionid': '{}'}}", "session", MIXED),
        ("sessionid: {}", "session", MIXED),
        ("ASP.NET_SessionId={}", "session", "lf5n3kd0ai2dfy45c0wjkq45"),
        ("connect.sid={}", "session", "s%3AaBcD1234efGH5678.xyzXYZ123456789"),
        ("csrftoken={}", "token", MIXED),
        ("XSRF-TOKEN={}", "token", MIXED),
        ("session={}", "jwt", "eyJ1c2VyIjoxfQ" + ".Zk9abc." + "Yx1n8Hh3Kq0vB6lM2wP4rT5uZ7c"),
        ("laravel_session={}", "jwt", "eyJpdiI6" + "IkFCQ0RFRkc1MjM0NTYifQ"),
    ],
)
def test_an_id_that_opens_a_session_goes(around, kind, secret):
    redactor = Redactor()
    assert redactor.text(around.format(secret)) == around.format(f"[redacted:{kind}]")
    assert redactor.counts == {kind: 1}


@pytest.mark.parametrize(
    "text",
    [
        "session_id=run-12",
        "session_id=5f3c9a7e2b1d4c6f",
        "sessionid=run-12",
        "sessionid: 42",
        "sessid=12345",
        "sessionId=20261122-nightly",
        "session.id=3f2a77d1c0ffee00",
        "tf.Session sessionid ignored: session closed",
        "keras session id is 140234",
        "request sid=17 of client 4",
        "session=training-run-2026-11-22",
        "module a.eyJsonParser.method",
    ],
)
def test_a_name_of_a_session_stays(text):
    redactor = Redactor()
    assert redactor.text(text) == text
    assert redactor.counts == {}
