"""What the supervisor writes down when a scheduler, or anybody, has sent SIGTERM: the program itself has no time to.

Nothing is put into the program for this: a handler there would change how it ends, and one in Python does not even run
while the program waits in native code, as it does in a hanging collective.
"""

import os
import platform
import secrets
import signal
from collections.abc import Callable
from dataclasses import replace
from time import time_ns

from otel_mldebug.cli.record import RunRecord
from otel_mldebug.cli.supervise import Ending
from otel_mldebug.config import Config
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.rules.fingerprint import detected
from otel_mldebug.rules.terminated import terminated
from otel_mldebug.semconv import names
from otel_mldebug.store.queries import Store
from otel_mldebug.store.writer import StoreWriter

_MOST_BYTES = 2**20


def note(config: Config, record: RunRecord, ending: Ending, *, clock_ns: Callable[[], int] = time_ns) -> None:
    """Write a finding into the run if SIGTERM ended a training."""
    name = signal.SIGTERM.name
    if not record.kept or (ending.signal != signal.SIGTERM and name not in ending.handed_on):
        return
    finding = terminated(name, Store(record.store).summary(record.run_id).steps_seen, code=ending.code)
    if finding is None:
        return
    from otel_mldebug.rules.redact.configured import configured

    host = configured(config).item(names.HOST_NAME, platform.node())
    resource: dict[str, Value] = {names.PROCESS_PID: os.getpid()}
    if isinstance(host, str) and host:
        resource[names.HOST_NAME] = host
    step = finding.evidence["step"]
    writer = StoreWriter(record.store, record.run_id, resource=resource, max_bytes=_MOST_BYTES)
    writer.finding(
        Occurrence(
            finding=replace(finding, fingerprint=detected(finding.rule, "")),
            id=secrets.token_hex(8),
            time_ns=clock_ns(),
            step=step if isinstance(step, int) else None,
        )
    )
    writer.close()
