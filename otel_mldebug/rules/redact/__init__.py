"""Redaction: secrets out of everything that leaves the process. Pure, standard library only.

`DEFAULT.text(message)` and `DEFAULT.value(arguments)` are all that most callers need; `Redactor(...)` takes additions
and exemptions; `exposure` decides about paths, host and user names, which are no secrets and still private.
"""

from otel_mldebug.rules.redact.redactor import DEFAULT, Redactor

__all__ = ["DEFAULT", "Redactor"]
