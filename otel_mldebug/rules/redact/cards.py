"""Card numbers that pass the Luhn test, and are no ids, sizes, times or lines of a hex dump."""

import re
import string

from otel_mldebug.rules.redact.keys import words_of
from otel_mldebug.rules.redact.marks import Mark
from otel_mldebug.rules.redact.shapes import shape, shaped_by
from otel_mldebug.rules.redact.words import vocabulary

_SHAPE = shape({"0": string.digits})
_FEWEST = b"0" * 13
"""Digits of the shortest card number; what may stand between them is left out."""
# In one piece, in fours, and as American Express, Diners Club and UnionPay print theirs.
_CARD = re.compile(
    r"[2-6]\d{3}(?:\d{9,15}|([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{3})?|([ -])\d{6}\2\d{4,5}|\d{2}[ -]\d{13})"
    r"(?![\w/-]|\.\d| ?[KMGT]?i?B\b| ?[nuµm]?s\b| bytes| tokens| params| steps| seconds)"
)
_NO_CARD_BEFORE = frozenset("_.+/-")
_WORD_BEFORE = re.compile(r"([A-Za-z_]{1,20})[\"')\]]{0,2}[ \t]{0,2}(?:[:=#(]|is|of)?[ \t]{0,2}[\"']?\Z")
_NUMBERED = vocabulary(
    "id ids rng seed state step steps offset bytes size trace span build job run pid rank time timestamp ts ns count "
    "num numel index hash serial version port len length total allocated reserved memory nonce block snowflake uid oid "
    "isbn ean upc imei flops params elements sequence seq"
)
"""Words before a number that is no card."""
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
"""The digit sum of twice each digit."""
_HEX_BEFORE = re.compile(r"(?:[0-9a-f]{4}[ -]|: )\Z")
_HEX_AFTER = re.compile(r"[ -][0-9a-f]{4}(?![\w/])")

# Issuer prefixes and lengths. Source: ISO/IEC 7812 ranges as the card schemes publish them.
_ISSUERS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("4", (13, 16, 19)),
    ("5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)", (16,)),
    ("3[47]", (15,)),
    ("6011|64[4-9]|65|62", (16, 17, 18, 19)),
    ("35(?:2[89]|[3-8])", (16, 17, 18, 19)),
    ("30[0-5]|3095|36|38|39", (14, 16)),
    ("50(?:18|20|38)|5893|6304|67(?:59|6[1-3])", tuple(range(13, 20))),
)
_ISSUED = re.compile(
    "|".join(
        f"(?=(?:{'|'.join(f'[0-9]{{{length}}}' for length in lengths)})$)(?:{prefix})" for prefix, lengths in _ISSUERS
    )
)


def redact(text: str, mark: Mark) -> str:
    """Replace card numbers in `text`. Linear in its length."""
    if _FEWEST in shaped_by(_SHAPE, text, without=b" -"):
        text = _CARD.sub(lambda m: mark("card-number", m[0]) if _is_card(m) else m[0], text)
    return text


def luhn(digits: str) -> bool:
    """Say whether `digits` pass the Luhn test. Source: ISO/IEC 7812-1, annex B."""
    ascii_ = digits.encode()
    total = sum(ascii_[-1::-2]) + sum(ascii_[-2::-2].translate(_DOUBLED))
    return (total - ord("0") * len(digits)) % 10 == 0


def _is_card(found: re.Match[str]) -> bool:
    before = found.string[max(0, found.start() - 24) : found.start()]
    if before and (before[-1].isalnum() or before[-1] in _NO_CARD_BEFORE):
        return False
    digits = found[0].replace(" ", "").replace("-", "")
    if not _ISSUED.match(digits) or not luhn(digits) or len(set(digits)) < 2:
        return False
    word = _WORD_BEFORE.search(before)
    if word and not _NUMBERED.isdisjoint(words_of(word[1])[-1:]):
        return False
    grouped = len(digits) != len(found[0])
    return not (grouped and _HEX_BEFORE.search(before) and _HEX_AFTER.match(found.string, found.end()))
