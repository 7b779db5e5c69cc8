"""Run the built collector and the built Prometheus as child processes: for `make stack` and for the tests.

Standard library only. Both get the configuration from `collector-config/` as it is; only ports and directories move.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.build import ROOT, binary

CONFIGS = ROOT / "collector-config"
RULES = ROOT / "grafana" / "rules"
HOST = "127.0.0.1"


class ServiceError(Exception):
    """A service did not start; the message holds the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where the services listen on loopback; the defaults are those of the configuration files."""

    otlp_grpc: int = 4317
    otlp_http: int = 4318
    collector_metrics: int = 8889
    collector_health: int = 13133
    collector_self: int = 8888
    prometheus: int = 9090

    @classmethod
    def free(cls) -> Ports:
        """Return six ports that nobody has at the moment."""
        with contextlib.ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in range(6)]
            for one in sockets:
                one.bind((HOST, 0))
            names = cls.__dataclass_fields__
            return cls(**{name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)})

    def taken(self) -> dict[str, int]:
        """Return those that somebody else listens on, by name."""
        return {name: port for name in self.__dataclass_fields__ if _in_use(port := getattr(self, name))}


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@dataclass
class Service:
    """A child process that answers on `ready` when it is up, and writes all it says to `log`."""

    name: str
    command: list[str]
    directory: Path
    ready: str
    environ: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """The file with everything the service said."""
        return self.directory / f"{self.name}.log"

    def start(self, *, deadline_s: float = 60.0) -> None:
        """Start it and wait until it answers.

        Raises:
            ServiceError: it ended, or did not answer within `deadline_s` seconds.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environ},
                start_new_session=True,  # Ctrl-C is for us: we stop it in our own time
            )
        end = time.monotonic() + deadline_s
        while not answers(self.ready):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise ServiceError(f"{self.name} did not start: {' '.join(self.command)}\n{self.last_words()}")
            time.sleep(0.1)

    def stop(self, *, patience_s: float = 10.0) -> None:
        """Ask it to end; kill it after `patience_s` seconds."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self, lines: int = 25) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def answers(url: str) -> bool:
    """Return whether `url` answers with a success."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # raises for anything but success
            return True
    except (urllib.error.URLError, OSError):
        return False


def collector(directory: Path, ports: Ports, *, config: Path = CONFIGS / "local.yaml") -> Service:
    """Return the collector with `local.yaml`; its files are in `directory/telemetry`."""
    return Service(
        name="collector",
        command=[str(binary("otelcol-mldebug")), "--config", str(config)],
        directory=directory,
        ready=f"http://{HOST}:{ports.collector_health}/",
        environ={
            "COLLECTOR_OTLP_GRPC": f"{HOST}:{ports.otlp_grpc}",
            "COLLECTOR_OTLP_HTTP": f"{HOST}:{ports.otlp_http}",
            "COLLECTOR_PROMETHEUS": f"{HOST}:{ports.collector_metrics}",
            "COLLECTOR_HEALTH": f"{HOST}:{ports.collector_health}",
            "COLLECTOR_SELF_PORT": str(ports.collector_self),
            "COLLECTOR_FILES": str(directory / "telemetry"),
        },
    )


def prometheus(directory: Path, ports: Ports, *, scrape_interval: str = "5s") -> Service:
    """Return Prometheus with `prometheus.yaml` and our rules; target files go to `directory/targets`."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "targets").mkdir(exist_ok=True)
    shutil.rmtree(directory / "rules", ignore_errors=True)
    (directory / "rules").mkdir()
    for rules in RULES.glob("*.yaml"):
        shutil.copy(rules, directory / "rules")
    text = (CONFIGS / "prometheus.yaml").read_text(encoding="utf-8")
    for default, port in ((8889, ports.collector_metrics), (8888, ports.collector_self)):
        text = text.replace(f"{HOST}:{default}", f"{HOST}:{port}")
    if scrape_interval != "5s":
        text = text.replace("5s", scrape_interval).replace("scrape_timeout: 4s", f"scrape_timeout: {scrape_interval}")
    (directory / "prometheus.yaml").write_text(text, encoding="utf-8")
    return Service(
        name="prometheus",
        command=[
            str(binary("prometheus")),
            f"--config.file={directory / 'prometheus.yaml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={HOST}:{ports.prometheus}",
            "--enable-feature=exemplar-storage",
            "--web.enable-remote-write-receiver",  # for gateways; it listens on loopback only
        ],
        directory=directory,
        ready=f"http://{HOST}:{ports.prometheus}/-/ready",
    )
