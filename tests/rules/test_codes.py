"""HTTP statuses in texts: read as people write them, and no other numbers."""

import pytest

from otel_mldebug.rules.codes import codes
from otel_mldebug.rules.facts import ErrorFacts


def status(text):
    return codes(ErrorFacts(message=text), text, text.lower()).get("status")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("429 Resource has been exhausted (e.g. check quota).", 429),
        ("503 Service Unavailable: upstream connect error", 503),
        ("503 The model is overloaded. Please try again later.", 503),
        ("400 API key not valid. Please pass a valid API key.", 400),
        ("404 models/some-model is not found for API version v1beta", 404),
        ("403: Forbidden", 403),
        ("404 not found", 404),
        ("Error code: 404 - {'error': {'message': 'The model does not exist'}}", 404),
        ("HTTP/1.1 502", 502),
        ('"GET /v1/models HTTP/1.1" 404 -', 404),
        ("HTTP Error 403: Forbidden", 403),
        ("Server returned HTTP response code: 502 for URL https://example.org", 502),
        ("status_code=403", 403),
        ("unexpected statusCode: 502", 502),
        ("{'status': 429, 'title': 'slow down'}", 429),
        ('{"error": {"code": 503, "message": "The model is overloaded"}}', 503),
        ("<Response [504]>", 504),
        ("[504]", 504),
        ("[504] Gateway Timeout", 504),
        ("Error uploading run: returned error 404", 404),
        ("The endpoint responded with a 503", 503),
        ("The server returned a 429, slow down", 429),
        ("An error occurred (404) when calling the HeadObject operation: Not Found", 404),
        ("401 Client Error: Unauthorized for url: https://example.org", 401),
        ("Tunnel connection failed: 407 Proxy Authentication Required", 407),
        ("Invalid response from proxy: 522 Server Error", 522),
    ],
)
def test_a_status_is_read(text, expected):
    assert status(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "429 samples were dropped",
        "404 images were found in the folder",
        "404 corrupt images",
        "500 Images are missing",
        "stopped at step 500",
        'File "train.py", line 403, in <module>',
        "tried to allocate 502 MiB",
        "502 MiB more than there are",
        "500 x 500 is too large",
        "error: 500 samples have no label",
        "Expected input of size 256 but got 512",
        "expected 2 elements but got 500",
        "Expected hidden size 256, got [512]",
        "size mismatch: got shape [404]",
        "index 404 is out of bounds for axis 0 with size 400",
        "Node 404 not found in the graph",
        "token 404 not found",
        "returned non-zero exit status 134.",
        "exit code 501",
        "epoch 403, loss 0.503, accuracy 0.404",
        "shape '[500, 404]' is invalid for input of size 503",
        "the server loaded 500 rows",
        "worker 503 died",
        "error code 0x404",
        "version 4.0.4 of the API",
        "status_code",
    ],
)
def test_other_numbers_are_none(text):
    assert status(text) is None


@pytest.mark.parametrize(("attribute", "expected"), [(404, 404), (7, 503), (True, 503)])
def test_an_attribute_that_can_be_one_beats_the_text(attribute, expected):
    text = "503 Service Unavailable"
    facts = ErrorFacts(message=text, attributes={"status_code": attribute})
    assert codes(facts, text, text.lower())["status"] == expected
