"""Who this process is: run, rank, host and service, as resource attributes."""

import os
import platform
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from otel_mldebug._version import __version__
from otel_mldebug.config import Config
from otel_mldebug.instrument.ranks import group, ranks
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.semconv import names
from otel_mldebug.store.layout import make_run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What is on everything that this process records.

    Attributes:
        run_id: Id of the run, shared by all its processes.
        host: Name of the host.
        pid: Process id.
        rank: Global rank; None outside of distributed training.
        local_rank: Rank on this host; None when unknown.
        world_size: Number of ranks; None when unknown.
        backend: What they communicate by; empty when unknown.
        session: Name of the session; empty when there is none.
        instance: Unique id of the process.
        service: Logical name of the service.
        given: What `OTEL_RESOURCE_ATTRIBUTES` says.
    """

    run_id: str
    host: str
    pid: int
    service: str
    instance: str
    rank: int | None = None
    local_rank: int | None = None
    world_size: int | None = None
    backend: str = ""
    session: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    def tags(self) -> dict[str, Value]:
        """Return the attributes of ours that a foreign resource does not have."""
        tags: dict[str, Value | None] = {
            names.MLDEBUG_RUN_ID: self.run_id,
            names.MLDEBUG_SESSION_ID: self.session or None,
            names.MLDEBUG_RANK: self.rank,
            names.MLDEBUG_LOCAL_RANK: self.local_rank,
            names.MLDEBUG_WORLD_SIZE: self.world_size,
        }
        return {key: value for key, value in tags.items() if value is not None}

    def resource(self, redactor: Redactor) -> dict[str, Value]:
        """Return all attributes of the process, redacted; what the environment says of them wins.

        Those of which nothing is to be shown are left out.
        """
        found = {
            names.HOST_NAME: redactor.item(names.HOST_NAME, self.host),
            names.PROCESS_PID: self.pid,
            names.PROCESS_COMMAND_ARGS: tuple(redactor.argv(sys.orig_argv)) or None,
            names.PROCESS_RUNTIME_NAME: sys.implementation.name,
            names.PROCESS_RUNTIME_VERSION: platform.python_version(),
            names.TELEMETRY_DISTRO_NAME: "otel-mldebug",
            names.TELEMETRY_DISTRO_VERSION: __version__,
            **{key: redactor.item(key, value) for key, value in self.given.items()},
            names.MLDEBUG_DISTRIBUTED_BACKEND: self.backend or None,
            names.SERVICE_NAME: self.service,
            names.SERVICE_INSTANCE_ID: self.instance,
            **self.tags(),
        }
        return {key: value for key, value in found.items() if value is not None}


def identify(config: Config, *, run_id: str = "", environ: Mapping[str, str] | None = None) -> Identity:
    """Return who this process is.

    Args:
        config: Its `run_id` and `session` win.
        run_id: Id of the run if the settings name none; made up when empty.
        environ: Environment to read; the process's by default.
    """
    environ = os.environ if environ is None else environ
    rank, local_rank, world_size = ranks(environ)
    joined = group()
    if joined is not None and rank is None:  # started by the program itself, with the rank as an argument
        rank, world_size = joined[:2]
    given = _given(environ)
    return Identity(
        run_id=config.run_id or run_id or (_launched(environ) if rank is not None else "") or make_run_id(),
        host=platform.node() or "localhost",
        pid=os.getpid(),
        service=environ.get("OTEL_SERVICE_NAME", "").strip() or given.get(names.SERVICE_NAME) or _program(),
        instance=given.get(names.SERVICE_INSTANCE_ID) or str(uuid.uuid4()),
        given=given,
        rank=rank,
        local_rank=local_rank,
        world_size=world_size,
        backend=joined[2] if joined is not None else "",
        session=config.session,
    )


def _launched(environ: Mapping[str, str]) -> str:
    """Return what the ranks of one launch have in common: torchrun's id of the run, or Slurm's of the step."""
    elastic = environ.get("TORCHELASTIC_RUN_ID", "").strip()
    if elastic and elastic != "none":  # torchrun's default, which says nothing
        return f"torchrun-{elastic}"
    job = environ.get("SLURM_JOB_ID", "").strip()
    return f"slurm-{job}.{environ.get('SLURM_STEP_ID', '0').strip()}" if job else ""


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the pairs in `OTEL_RESOURCE_ATTRIBUTES`, which are percent-encoded; what is no pair is left out."""
    pairs = (pair.partition("=") for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","))
    return {key.strip(): unquote(value.strip()) for key, equals, value in pairs if equals and key.strip()}


def _program() -> str:
    """Return the name of the program as its user knows it: the script without `.py`, or the module after `-m`."""
    arguments = sys.orig_argv[1:]
    if "-m" in arguments and not (sys.argv and sys.argv[0].endswith(".py")):
        module = arguments[arguments.index("-m") + 1 :][:1]
        if module:
            return module[0]
    script = sys.argv[0] if sys.argv else ""
    return "python" if script in ("", "-", "-c") else Path(script).stem
