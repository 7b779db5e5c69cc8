"""Private key blocks: whole, escaped, indented, encrypted, cut off."""

import pytest

from otel_mldebug.rules.redact import Redactor

BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
MARK = "[redacted:private-key]"


def block(kind, newline="\n", lines=3):
    return newline.join([f"-----BEGIN {kind}PRIVATE KEY-----", *[BODY] * lines, f"-----END {kind}PRIVATE KEY-----"])


BLOCKS = [
    pytest.param(block(""), id="PKCS8"),
    pytest.param(block("RSA "), id="RSA"),
    pytest.param(block("EC "), id="EC"),
    pytest.param(block("DSA "), id="DSA"),
    pytest.param(block("OPENSSH "), id="OpenSSH"),
    pytest.param(block("ENCRYPTED "), id="encrypted PKCS8"),
    pytest.param(block("", "\r\n"), id="Windows line ends"),
    pytest.param(block("", "\\n"), id="escaped in JSON"),
    pytest.param(block("", "\\\\n"), id="escaped twice"),
    pytest.param(block("", "\n    "), id="indented in YAML"),
    pytest.param(block("", "\\n' '"), id="in pieces of a source file"),
    pytest.param(block("", " "), id="on one line"),
    pytest.param(
        f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n{BODY}\n"
        "-----END RSA PRIVATE KEY-----",
        id="with headers",
    ),
    pytest.param(
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 2\n\n{BODY}\n=aBcD\n-----END PGP PRIVATE KEY BLOCK-----",
        id="PGP",
    ),
]


@pytest.mark.parametrize("key", BLOCKS)
@pytest.mark.parametrize("around", ["{}", "before\n{}\nafter", "key='{}' rest", "{} and {}"])
def test_a_block_goes_as_a_whole(key, around):
    assert Redactor().text(around.format(key, key)) == around.format(MARK, MARK)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"x\n-----BEGIN PRIVATE KEY-----\n{BODY}\n{BODY[:20]}", f"x\n{MARK}", id="no end"),
        pytest.param(f"x\n-----BEGIN PRIVATE KEY-----\n{BODY}\nand then it failed", f"x\n{MARK}\nand then it failed",
                     id="no end, the text goes on"),
        pytest.param(f"-----BEGIN PRIVATE KEY-----\\n{BODY}\\n{BODY[:7]}", MARK, id="no end, escaped"),
        pytest.param(f"{BODY}\n{BODY}\n-----END PRIVATE KEY-----\nx", f"{MARK}\nx", id="no beginning"),
        pytest.param(f"log: it said\n{BODY}\n-----END RSA PRIVATE KEY-----", f"log: it said\n{MARK}",
                     id="no beginning, after a text"),
        pytest.param(f'{{"private_key": "{block("", chr(92) + "n")}\\n", "a": 1}}',
                     f'{{"private_key": "{MARK}\\n", "a": 1}}', id="service account"),
        pytest.param(f"Private-Lines: 2\n{BODY}\n{BODY}", MARK, id="PuTTY"),
    ],
)  # fmt: skip
def test_a_block_that_was_cut_or_embedded(text, expected):
    assert Redactor().text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY----- not found in file",
        "-----END PRIVATE KEY----- unexpected",
        "PRIVATE KEY file missing",
        block("").replace("PRIVATE", "PUBLIC"),
        block("").replace("PRIVATE KEY", "CERTIFICATE"),
        f"-----BEGIN CERTIFICATE-----\n{BODY}",
        "-----BEGIN PRIVATE KEY-----",
        'START = b"-----BEGIN PRIVATE KEY-----"\nSTOP = (b"-----END PRIVATE KEY-----")',
        "what stands between -----BEGIN PRIVATE KEY----- and the line that says -----END PRIVATE KEY----- is the key",
        "could not load PEM: expected: ANY PRIVATE KEY",
        "Private-Lines: none",
    ],
)
def test_what_is_no_private_key_stays(text):
    assert Redactor().text(text) == text
