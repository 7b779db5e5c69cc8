"""Every setting there is, and where its value came from: argument, environment, file, profile, default."""

import difflib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from otel_mldebug._values import EXPRESSIONS, PARSERS, EntryError
from otel_mldebug.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PREFIX = "OTEL_MLDEBUG_"
FILE_NAMES = ("mldebug.toml", "pyproject.toml")
"""Files looked for in the working directory: all of the first, the table `[tool.mldebug]` of the second."""

EXPOSURES = ("full", "short", "none")
"""How much of what is private, though no secret, can be shown."""

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "development": {},
    "production": {"budget": 0.01, "notes": False, "store_max_mb": 256},
    "test": {"resources": False, "store_max_mb": 64},
}
"""What a profile sets unless something stronger does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting. Each can be set as `OTEL_MLDEBUG_<NAME>`, in a TOML file, or as an argument of `configure`."""

    profile: str = "development"
    """Named set of defaults: development, production or test."""
    disabled: bool = False
    """Do nothing at all. `OTEL_SDK_DISABLED=true` has the same effect."""
    store: Path = Path(".mldebug")
    """Directory of the local store."""
    local: bool = True
    """Keep a local store."""
    run_id: str = ""
    """Id shared by all processes of one run; made up when empty."""
    session: str = ""
    """Name of the session that everything recorded belongs to."""
    store_max_mb: int = 1024
    """Size of one run in the store, in MiB, at which the oldest parts are dropped and counted; at least 8."""
    budget: float = 0.02
    """Share of the watched code's time that watching may cost, 0 to 1. 0 leaves exact counts and errors."""
    torch: bool = True
    """Watch PyTorch training once the program imports torch."""
    layers: int = 0
    """Steps between two looks at every layer: below 50 whatever they cost, from 50 on more where they would cost more
    than the budget. 0: at the first steps, then as often as a part of the budget allows."""
    profile_steps: str = ""
    """Steps to profile with torch.profiler: `100:105`, or rules, `timing.*`: five steps after a finding of theirs."""
    hang_timeout: float = 0.0
    """Seconds without progress of training that count as a hang. 0: by the run's own step times. `inf`: never."""
    resources: bool = True
    """Sample host, process and GPU."""
    resources_interval_s: float = 5.0
    """Seconds between two samples of host, process and GPU; at least 0.1."""
    uncaught: bool = True
    """Report exceptions that nobody catches, those of tasks, futures and pools that nobody asks for among them."""
    logged: bool = True
    """Report exceptions that the program logs, as with `logger.exception`, and those that libraries catch and print."""
    debug: bool = False
    """`user_message` and `handle_error` give the full text, for developers, in place of the one for users."""
    notes: bool = True
    """Add the explanation to the exception, where a normal traceback shows it."""
    redact: bool = True
    """Replace secrets in everything that leaves the process."""
    redact_foreign: bool = True
    """Also in spans and logs that other instrumentations make."""
    redact_patterns: tuple[tuple[str, str], ...] = ()
    """Further secrets, by the name that the marker shows: `ticket=TCK-[0-9]+`."""
    redact_keys: tuple[str, ...] = ()
    """Further keys whose values are secret, in any spelling."""
    redact_keep_keys: tuple[str, ...] = ()
    """Keys whose values stay although their names look secret."""
    redact_keep_patterns: tuple[str, ...] = ()
    """Finds that stay: those that one of these expressions matches anywhere."""
    exposure: str = "full"
    """How much of paths, stack traces, host and user name and command line is shown: full, short or none."""
    patterns: tuple[Path, ...] = ()
    """Files with further error patterns."""
    prometheus: str = ""
    """`HOST:PORT` or `PORT` of the Prometheus endpoint; off when empty. A taken port moves on to the next free one."""
    prometheus_targets: Path | None = None
    """Directory for Prometheus file_sd target files; `targets` in the store when empty."""
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Where each value came from, by name of the setting; those left out have their default."""

    @classmethod
    def load(
        cls, *, environ: Mapping[str, str] | None = None, directory: Path | None = None, **arguments: Any
    ) -> "Config":
        """Build a `Config`; an empty variable counts as unset.

        Args:
            environ: Environment to read; the process's by default.
            directory: Where `mldebug.toml` and `pyproject.toml` are looked for; the working directory by default.
            arguments: Settings by name. None counts as not given.

        Raises:
            ConfigError: a setting is unknown or its value unusable; the message names where it stands.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for layer in (
            _from_file(environ, directory or Path()),
            _from_environment(environ),
            _from_arguments(arguments),
        ):
            for name, (label, where, raw) in layer.items():
                values[name] = _parse(name, raw, label)
                origins[name] = where
        profile = values.get("profile", "development")
        for name, value in PROFILES[profile].items():
            if name not in values:
                values[name], origins[name] = value, f"profile {profile}"
        return cls(**values, origins=origins)


_NAMES = tuple(f.name for f in fields(Config) if f.name != "origins")
_TYPES = {f.name: f.type for f in fields(Config)}

Layer = dict[str, tuple[str, str, Any]]
"""Setting -> (how the user typed its name, where it stands, raw value)."""


def _from_environment(environ: Mapping[str, str]) -> Layer:
    layer: Layer = {}
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and text.strip() and variable not in INTERNAL:
            name = variable[len(PREFIX) :].lower()
            if name == "config":
                continue
            _known(name, variable, text)
            layer[name] = (variable, f"environment {variable}", text.strip())
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        layer["disabled"] = ("OTEL_SDK_DISABLED", "environment OTEL_SDK_DISABLED", "true")
    return layer


def _from_arguments(arguments: Mapping[str, Any]) -> Layer:
    for name, value in arguments.items():
        _known(name, name, value)
    return {name: (name, "argument", value) for name, value in arguments.items() if value is not None}


INTERNAL = frozenset({"OTEL_MLDEBUG_SUPERVISED", "OTEL_MLDEBUG_BOOTSTRAP"})
"""Variables with which the supervisor talks to the processes it starts: no settings."""


def _from_file(environ: Mapping[str, str], directory: Path) -> Layer:
    given = environ.get(PREFIX + "CONFIG", "").strip()
    candidates = [Path(given)] if given else [directory / name for name in FILE_NAMES]
    for path in candidates:
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            if given:
                raise ConfigError(PREFIX + "CONFIG", given, expected="the path of a TOML file that exists") from None
            continue
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(str(path), str(exc), expected="a readable TOML file in UTF-8") from None
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as exc:
            if path.name == "pyproject.toml" and not given:
                continue  # the user's own file, broken for everybody: not ours to report
            raise ConfigError(str(path), str(exc), expected="valid TOML") from None
        if path.name == "pyproject.toml":
            table = table.get("tool", {}).get("mldebug")
            if table is None:
                continue
        layer: Layer = {}
        for name, value in table.items():
            _known(name, f"{path}: {name}", value)
            layer[name] = (f"{path}: {name}", f"file {path}", value)
        return layer
    return {}


def _known(name: str, label: str, given: object) -> None:
    if name not in _NAMES:
        near = difflib.get_close_matches(name, _NAMES, 1)
        hint = f"such as {near[0]!r} (all of them: otel-mldebug doctor)" if near else "see otel-mldebug doctor"
        raise ConfigError(label, given, expected=f"the name of a setting that exists, {hint}")


def _parse(name: str, raw: Any, label: str) -> Any:
    parse, expected = EXPRESSIONS if name == "redact_keep_patterns" else PARSERS[_TYPES[name]]
    try:
        value = parse(raw)
    except EntryError as bad:
        raise ConfigError(f"{label}: entry {bad.number}", bad.given, expected=expected) from None
    except (ValueError, TypeError, KeyError):
        raise ConfigError(label, raw, expected=expected) from None
    check, wanted = _LIMITS.get(name, (None, ""))
    if check is not None and not check(value):
        raise ConfigError(label, raw, expected=wanted)
    return value


def _fits(span: re.Match[str] | None) -> bool:
    return span is not None and 0 < int(span[1]) < int(span[2]) <= int(span[1]) + 100


_SPAN = re.compile(r"(\d{1,12}):(\d{1,12})", re.ASCII)
_PATTERN = r"(?=\w*[.*?])[a-z_*?][\w.*?]*"  # without a dot or a star it is the id of no rule
_PATTERNS = re.compile(rf"{_PATTERN}(\s*,\s*{_PATTERN})*", re.ASCII)
_LIMITS: Mapping[str, tuple[Any, str]] = {
    "profile": (lambda v: v in PROFILES, f"one of {', '.join(PROFILES)}"),
    "exposure": (lambda v: v in EXPOSURES, f"one of {', '.join(EXPOSURES)}"),
    "budget": (lambda v: 0 <= v <= 1, "a share from 0 to 1, such as 0.02 or 2%"),
    "layers": (lambda v: v >= 0, "a whole number of steps, at least 0"),
    "profile_steps": (
        lambda v: not v or _PATTERNS.fullmatch(v) or _fits(_SPAN.fullmatch(v)),
        "steps such as 100:105, at least 1 and at most 100 of them, or rules such as timing.*,data.input_bound",
    ),
    "hang_timeout": (lambda v: v == 0 or v >= 1, "seconds, at least 1; 0 for the default; inf for never"),
    "store_max_mb": (lambda v: v >= 8, "a whole number of MiB, at least 8"),
    "resources_interval_s": (lambda v: 0.1 <= v <= 3600, "seconds from 0.1 to 3600"),
}
