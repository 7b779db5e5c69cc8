"""`make stack`: the real collector and the real Prometheus on loopback, until Ctrl-C.

Standard library only. What they keep is in `build/stack` below the working directory, and stays for the next time.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from stack import build, services

WHAT_TO_TYPE = """
The stack is up. Everything listens on loopback only.

  OTLP          grpc {host}:{ports.otlp_grpc}, http://{host}:{ports.otlp_http}
  Prometheus    http://{host}:{ports.prometheus} (HTTP API only: its web pages are not part of the build)
  what arrives  {data}/collector/telemetry/{{traces,logs,metrics}}.jsonl
  logs          {data}/collector/collector.log, {data}/prometheus/prometheus.log

Send a run through the collector:

  OTEL_EXPORTER_OTLP_ENDPOINT=http://{host}:{ports.otlp_http} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf \\
      otel-mldebug run train.py

or have Prometheus read the processes directly:

  OTEL_MLDEBUG_PROMETHEUS=9464 OTEL_MLDEBUG_PROMETHEUS_TARGETS={data}/prometheus/targets \\
      otel-mldebug run train.py

then ask:

  curl -s http://{host}:{ports.prometheus}/api/v1/query --data-urlencode 'query=mldebug_findings_total'

Grafana: docs/how-to/prometheus-grafana.md. Ctrl-C stops both.
"""


def main(arguments: list[str] | None = None) -> int:
    """Build what is missing, start both, wait for Ctrl-C. Return the exit code."""
    parser = argparse.ArgumentParser(prog="make stack", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("build/stack"), help="where to keep data (%(default)s)")
    parser.add_argument("--free-ports", action="store_true", help="take free ports instead of the usual ones")
    options = parser.parse_args(arguments)
    data: Path = options.data.resolve()
    ports = services.Ports.free() if options.free_ports else services.Ports()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    running: list[services.Service] = []
    try:
        build.build()
        if taken := ports.taken():
            what = ", ".join(f"{port} ({name})" for name, port in taken.items())
            print(f"Taken already: {what}. Stop what listens there, or: make stack ARGS=--free-ports", file=sys.stderr)
            return 1
        for service in (
            services.collector(data / "collector", ports),
            services.prometheus(data / "prometheus", ports),
        ):
            running.append(service)
            service.start()
        print(WHAT_TO_TYPE.format(host=services.HOST, ports=ports, data=options.data), flush=True)
        return _until_one_ends(running)
    except (build.BuildError, services.ServiceError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopping", file=sys.stderr)
        return 0
    finally:
        for service in reversed(running):
            service.stop()


def _until_one_ends(running: list[services.Service]) -> int:
    while True:
        for service in running:
            if service.process is not None and service.process.poll() is not None:
                print(f"{service.name} has ended:\n{service.last_words()}", file=sys.stderr)
                return 1
        time.sleep(0.5)


if __name__ == "__main__":
    raise SystemExit(main())
