"""`make stack` as a user sees it: up, what to type, down."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from stack import __main__ as command
from stack import build, services
from tests.stack.asking import eventually

pytestmark = pytest.mark.stack


def test_it_starts_both_says_what_to_type_and_ctrl_c_stops_them(built, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "stack", "--free-ports", "--data", str(tmp_path)],
        cwd=build.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C stops both" in line:
                break
        (url,) = re.findall(r"Prometheus +(http\S+)", said)
        assert services.answers(f"{url}/-/ready")
        assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" in said
        assert f"OTEL_MLDEBUG_PROMETHEUS_TARGETS={tmp_path}/prometheus/targets" in said

        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert not services.answers(f"{url}/-/ready")
    finally:
        process.kill()
        process.communicate()


def test_a_taken_port_is_named_before_anything_is_started(built, tmp_path, monkeypatch, capsys):
    with socket.create_server((services.HOST, 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(services.Ports, "free", classmethod(lambda cls: cls(prometheus=port)))
        assert command.main(["--free-ports", "--data", str(tmp_path)]) == 1
    assert f"{port} (prometheus)" in capsys.readouterr().err
    assert not (tmp_path / "prometheus").exists()


def test_a_service_that_cannot_start_says_why(built, tmp_path):
    ports = services.Ports.free()
    (tmp_path / "broken.yaml").write_text("receivers: {}")
    service = services.collector(tmp_path, ports, config=tmp_path / "broken.yaml")
    with pytest.raises(
        services.ServiceError, match=r"collector did not start: (.|\n)*service must have at least one pipeline"
    ):
        service.start()


def test_a_service_that_will_not_end_is_killed(tmp_path):
    ready = tmp_path / "ready"
    code = "import pathlib, signal, sys, time; signal.signal(15, signal.SIG_IGN); pathlib.Path(sys.argv[1]).touch()"
    command = [sys.executable, "-c", f"{code}; time.sleep(60)", str(ready)]
    service = services.Service("stubborn", command, tmp_path, ready=ready.as_uri())
    service.start()
    service.stop(patience_s=0.2)
    assert service.process.returncode == -signal.SIGKILL
    eventually(lambda: not _alive(service.process.pid), what="the end of the process")


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
