"""The effective settings with their origin, and OpenTelemetry's own settings in the environment."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from otel_mldebug.cli.checks.check import FAIL, OK, WARN, Check
from otel_mldebug.config import Config
from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.redact.configured import configured


def load(arguments: Mapping[str, Any]) -> tuple[Config, Check]:
    """Return the effective settings, or the defaults where they cannot be used, and the check that says so."""
    try:
        config = Config.load(**arguments)
        configured(config)
    except ConfigError as exc:
        return Config(), Check("settings", FAIL, str(exc), "The rest of this report is about the defaults.")
    if config.disabled:
        return config, Check("settings", WARN, f"otel-mldebug is switched off by {config.origins.get('disabled', '')}")
    changed = sum(name not in ("run_id",) for name in config.origins)
    return config, Check("settings", OK, f"{changed} changed from the defaults, profile {config.profile}")


def effective(config: Config) -> dict[str, dict[str, Any]]:
    """Return each setting with its value, as JSON can hold it, and where the value came from."""
    shown: dict[str, dict[str, Any]] = {}
    for setting in fields(config):
        if setting.name != "origins":
            value = getattr(config, setting.name)
            plain = (
                value
                if isinstance(value, (bool, int, float))
                else [entry if isinstance(entry, str) else _entry(entry) for entry in value]
                if isinstance(value, tuple)
                else str(value or "")
            )
            shown[setting.name] = {"value": plain, "origin": config.origins.get(setting.name, "default")}
    return shown


def _entry(entry: Any) -> str:
    return "=".join(entry) if isinstance(entry, tuple) else str(entry)


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return OpenTelemetry's variables, ours included, with secrets replaced."""
    from otel_mldebug.rules.redact import DEFAULT

    return DEFAULT.environ({name: value for name, value in sorted(environ.items()) if name.startswith("OTEL_")})
