"""All stages over one text, in the order in which they must run: what is most certain of its kind comes first."""

import re

from otel_mldebug.rules.redact import addresses, cards, commands, headers, pairs, pem, tokens, urls
from otel_mldebug.rules.redact.marks import Mark


def redact(text: str, mark: Mark, *, classify: pairs.Classify, find: re.Pattern[str]) -> str:
    """Return `text` with everything replaced that the stages know. Linear in its length."""
    text = pem.redact(text, mark)
    text = tokens.redact(text, mark)
    text = headers.redact(text, mark)
    text = urls.redact(text, mark)
    if "@" in text:
        text = addresses.redact(text, mark)
    text = cards.redact(text, mark)
    text = pairs.redact(text, mark, classify=classify, find=find)
    return commands.redact(text, mark, classify=classify)
