"""Work grows with the length of the text and no faster, whatever the text. CPU time of one thread decides."""

import time

import pytest

from otel_mldebug.rules.redact import Redactor

BAIT = [
    *("a", "-", "a-", "a.", "token", "token ", "token=", "secret_", "key key ", "password='", 'password="'),
    *("api key provided ", "eyJ", "eyJa.", "ghp_", "sk-", "sk-a1", "SG.", "AKIA", "hf_", "NRAL", "Q~", "_"),
    *("0123456789abcdef", "A" * 15 + ".", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"),
    *("-----BEGIN PRIVATE KEY-----\nMIIEabcdefghijklmnop\n",),
    *("MIIEabcdefghijklmnop\n-----END PRIVATE KEY-----\n", "Private-Lines: 1\nabc\n", "@", "a@", "a@b."),
    *("a@b.c", "://", "://a:", "://a:b@", "http://a:b", "?a", "?a=b&", "%3F", "a:b@h:22 "),
    *("slack.com/services/a/", "4111 ", "4", "4111-", "62", "Bearer ", "Bearer a", "Basic YTpi "),
    *("authorization: ", "cookie: a=b; ", "cookie: a=b;", "login a password ", "mysql -p ", "mysql a -p"),
    *("curl -u a:", "--token ", "--token -", "docker login ", "input_value=", "a\n b input_value='"),
    *("name: token value: ", "[redacted:", "[redacted:x]", '\\"', 'token=\\"', "api_key=[", "'token', 'x"),
    *("<password>", "password: int = ", "signature=a", "\x00", "\ud800", "İ", " ", "\n", "'", "\\"),
]


def cpu_s(text):
    redactor = Redactor()
    start = time.thread_time()
    redactor.text(text)
    return time.thread_time() - start


@pytest.mark.parametrize("bait", BAIT)
def test_four_times_the_text_takes_about_four_times_the_work(bait):
    small = bait * (8_000 // len(bait))
    base = min(cpu_s(small) for _ in range(3))
    grown = min(cpu_s(small * 4) for _ in range(3))

    # Quadratic work would be sixteen times as much; the absolute part keeps the clock's grain out of it.
    assert grown < 8 * base + 0.02


def test_ten_megabytes_take_seconds_and_lose_nothing():
    line = "step 12 loss 0.4111 password=hunter2 \x00 \ud800 https://x/y?z=1\n"
    text = line * (10_000_000 // len(line))

    assert Redactor().text(text) == text.replace("hunter2", "[redacted:password]")
