"""Authorization and cookie headers."""

import base64

import pytest

from otel_mldebug.rules.redact import Redactor

BASIC = base64.b64encode(b"user:pass").decode()
OPAQUE = "aB3dE5fG7h" * 4


@pytest.mark.parametrize(
    ("template", "secret"),
    [
        ("Authorization: Bearer {}", "abcdef"),
        ("Authorization: Bearer {}\r\nAccept: */*", OPAQUE),
        ("authorization: token {}", "abc123abc"),
        ("Authorization: Basic {}", BASIC),
        ("Authorization: ApiKey {}", "abc123"),
        ("Authorization: {}", OPAQUE),
        ("Proxy-Authorization: Basic {}", BASIC),
        ("{{'Authorization': 'Bearer {}'}}", "abc.def-123"),
        ('{{"authorization":"Bearer {}"}}', "abcdef"),
        ('{{\\"Authorization\\": \\"Bearer {}\\"}}', OPAQUE),
        ("('Authorization', 'Bearer {}')", "abcdef"),
        ("headers['Authorization'] = 'Bearer {}'", "abcdef"),
        ("-H 'Authorization: Bearer {}' https://x", "abcdef"),
        ('{{"Authorization": "Custom {}"}}', "abc123"),
        ('{{"Authorization": "{}"}}', "abc 123".replace(" ", "")),
        ("Bearer {} was rejected", OPAQUE),
        ("sent Basic {} to the proxy", BASIC),
        ("request with bearer {}.", OPAQUE),
    ],
)
def test_the_credential_of_an_authorization_header_goes_and_its_scheme_stays(template, secret):
    assert Redactor().text(template.format(secret)) == template.format("[redacted:authorization]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cookie: session=abc123", "Cookie: session=[redacted:cookie]"),
        ("Cookie: a=1; b=2\r\nHost: x", "Cookie: a=[redacted:cookie]; b=[redacted:cookie]\r\nHost: x"),
        (
            "Set-Cookie: sid=31d4d96e; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly",
            "Set-Cookie: sid=[redacted:cookie]; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly",
        ),
        ("{'Cookie': 'sid=abc123', 'x': 'y=1'}", "{'Cookie': 'sid=[redacted:cookie]', 'x': 'y=1'}"),
        ("Cookie: sid=abc123 failed, status=403", "Cookie: sid=[redacted:cookie] failed, status=403"),
        (
            'Authorization: Digest username="bob", realm="x", response="6629fae49393a05397450978507c4ef1"',
            'Authorization: Digest username="bob", realm="x", response="[redacted:signature]"',
        ),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=AKI" + "A" * 17 + "/20130524/eu, Signature=" + "0a" * 32,
            "Authorization: AWS4-HMAC-SHA256 Credential=[redacted:aws-access-key-id]/20130524/eu, "
            "Signature=[redacted:signature]",
        ),
        (
            'Authorization: OAuth oauth_token="abcdefghij0123456789", oauth_version="1.0"',
            'Authorization: OAuth oauth_token="[redacted:signature]", oauth_version="1.0"',
        ),
    ],
)
def test_the_fields_of_a_header_go_one_by_one(text, expected):
    assert Redactor().text(text) == expected


def test_a_token_of_a_known_provider_keeps_its_more_telling_kind():
    text = "Authorization: Bearer hf_" + OPAQUE

    assert Redactor().text(text) == "Authorization: Bearer [redacted:huggingface-token]"
