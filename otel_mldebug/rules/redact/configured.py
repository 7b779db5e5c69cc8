"""The redactor that the settings ask for."""

import os
from dataclasses import replace
from typing import Any

from otel_mldebug.config import Config
from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.redact.exposure import Exposure, Place
from otel_mldebug.rules.redact.redactor import Redactor

_FIELDS = {
    "redact_patterns": "patterns",
    "redact_keys": "keys",
    "redact_keep_keys": "exempt_keys",
    "redact_keep_patterns": "exempt_patterns",
}
"""Setting -> field of `Redactor`."""


def configured(config: Config, **more: Any) -> Redactor:
    """Return the redactor for `config`.

    Args:
        config: Settings.
        more: Fields of `Redactor`; lists are added to those of the settings, anything else wins.

    Raises:
        ConfigError: an entry cannot be used; the message names setting and entry.
    """
    fields: dict[str, Any] = {"enabled": config.redact, "exposure": Exposure(config.exposure)}
    if config.exposure != Exposure.FULL.value:
        fields["place"] = here()
    for setting, name in _FIELDS.items():
        entries = getattr(config, setting)
        try:
            Redactor(**{name: entries})
        except ConfigError as exc:
            origin = config.origins.get(setting, "argument")
            label = f"{setting} ({origin}): {exc.setting}"
            raise ConfigError(label, exc.given, expected=exc.expected) from None
        fields[name] = (*entries, *more.pop(name, ()))
    return Redactor(**{**fields, **more})


def without_secrets_kept(redactor: Redactor) -> Redactor:
    """Return a redactor that leaves secrets alone and shows as little of what is private as `redactor`."""
    return replace(redactor, enabled=False)


def here() -> Place:
    """Return where this process runs."""
    home = os.path.expanduser("~")  # noqa: PTH111  (Path.home raises where there is none)
    try:
        cwd = os.getcwd()  # noqa: PTH109
    except OSError:  # it is gone
        cwd = ""
    return Place(home="" if home == "~" else home, cwd=cwd)
