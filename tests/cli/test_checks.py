"""What the doctor looks at: each answer it can give, from plain values."""

import json
from types import SimpleNamespace

import pytest

from otel_mldebug.cli.checks import accelerators, doubles, local_store, settings, versions
from otel_mldebug.cli.checks.check import FAIL, OK, WARN, Check
from otel_mldebug.config import Config

FITTING = {
    "opentelemetry-api": ("1.45.2", []),
    "opentelemetry-sdk": ("1.45.2", ["opentelemetry-api==1.45.2", "typing-extensions>=4"]),
    "opentelemetry-instrumentation": ("0.66b2", ["opentelemetry-semantic-conventions == 0.66b2"]),
    "opentelemetry-exporter-otlp": ("1.45.2", ["requests==2; extra == 'x'"]),
    "opentelemetry-exporter-prometheus": ("0.66b2", []),
    "opentelemetry-semantic-conventions": ("0.66b2", ["opentelemetry_api==1.45.2"]),
}


def test_versions_of_one_release_fit():
    check = versions.opentelemetry(FITTING)
    assert check == Check(
        "opentelemetry",
        OK,
        "api 1.45.2, sdk 1.45.2, instrumentation 0.66b2, exporter-otlp 1.45.2, exporter-prometheus 0.66b2",
    )


def test_a_companion_of_another_release_is_named_with_what_needs_it():
    check = versions.opentelemetry({**FITTING, "opentelemetry-api": ("1.40.0", [])})
    assert check.status == FAIL
    assert "opentelemetry-sdk 1.45.2 needs opentelemetry-api 1.45.2, found 1.40.0" in check.detail
    assert "opentelemetry-semantic-conventions 0.66b2 needs opentelemetry_api 1.45.2, found 1.40.0" in check.detail


def test_a_missing_part_is_named_with_how_to_install_it():
    parts = {name: part for name, part in FITTING.items() if name != "opentelemetry-exporter-otlp"}
    assert versions.opentelemetry(parts) == Check(
        "opentelemetry", FAIL, "missing: opentelemetry-exporter-otlp", "pip install opentelemetry-exporter-otlp"
    )


@pytest.mark.parametrize(("version", "status"), [((3, 10, 0), OK), ((3, 9, 19), FAIL), ((3, 13, 1), OK)])
def test_python_is_judged_by_its_version(version, status):
    assert versions.python(version, "/usr/bin/python").status == status


@pytest.mark.parametrize(
    ("version", "facts", "has_gpu", "check"),
    [
        (
            "",
            {},
            False,
            Check("torch", WARN, "not installed: training is not watched", "pip install 'otel-mldebug[torch]'"),
        ),
        ("2.15.0", {}, False, Check("torch", OK, "2.15.0, built for the CPU")),
        (
            "2.15.0",
            {"CUDA": "13.2", "cuDNN": "9.26"},
            True,
            Check("torch", OK, "2.15.0, built with CUDA 13.2, cuDNN 9.26"),
        ),
        ("2.4.0+cpu", {}, False, Check("torch", OK, "2.4.0+cpu, built for the CPU")),
        (
            "2.3.1",
            {},
            False,
            Check("torch", WARN, "2.3.1, built for the CPU", "Training is watched from PyTorch 2.4 on."),
        ),
        (
            "2.15.0",
            {},
            True,
            Check(
                "torch",
                WARN,
                "2.15.0, built for the CPU, while there is an NVIDIA GPU",
                "Install a CUDA build: https://pytorch.org/get-started",
            ),
        ),
    ],
)
def test_torch_is_judged_without_being_imported(version, facts, has_gpu, check):
    assert accelerators.torch(version, facts, has_gpu=has_gpu) == check


class NVMLError(Exception):
    """What the driver's library raises."""


def nvml(count=1, *, init=lambda: None, driver=lambda: "575.1"):
    return lambda: SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=init,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: count,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName="NVIDIA H200 {}".format,
        nvmlSystemGetDriverVersion=driver,
    )


def refuse(*_):
    raise NVMLError("Driver Not Loaded")


def absent():
    raise ImportError("No module named 'pynvml'")


@pytest.mark.parametrize(
    ("load", "check"),
    [
        (nvml(), Check("nvml", OK, "driver 575.1, 1 GPU: NVIDIA H200 0")),
        (nvml(2), Check("nvml", OK, "driver 575.1, 2 GPUs: NVIDIA H200 0, NVIDIA H200 1")),
        (nvml(0), Check("nvml", OK, "driver 575.1, 0 GPUs: none")),
        (nvml(init=refuse), Check("nvml", OK, "no NVIDIA driver (Driver Not Loaded): GPU metrics are absent")),
        (
            nvml(driver=refuse),
            Check("nvml", WARN, "the driver does not answer: Driver Not Loaded", "See whether nvidia-smi works."),
        ),
        (absent, Check("nvml", WARN, "nvidia-ml-py is not installed: no GPU metrics", "pip install nvidia-ml-py")),
    ],
)
def test_the_driver_is_asked_and_nothing_is_set(load, check):
    assert accelerators.nvml(load) == check


@pytest.fixture
def fake_python(tmp_path):
    def make(body):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ("""echo '{"available": true, "devices": ["H200"], "cudnn": 92600}'""", OK, "H200; cuDNN 92600"),
        ("""echo '{"available": false, "devices": [], "cudnn": null}'""", OK, "PyTorch sees no CUDA device"),
        ("echo 'ImportError: libcudart.so' >&2; exit 1", FAIL, "importing torch failed: ImportError: libcudart.so"),
        ("exit 1", FAIL, "importing torch failed: no message"),
        ("exec sleep 30", FAIL, "importing torch took more than 0 s"),
    ],
)
def test_torch_itself_is_asked_in_another_process(fake_python, body, status, detail):
    check = accelerators.cuda_by_import(fake_python(body), limit_s=0.3 if "sleep" in body else 30)
    assert (check.status, check.detail) == (status, detail)


def test_the_store_is_judged_and_not_made(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "format.json").write_text(json.dumps({"format": 99}))
    (tmp_path / "old" / "run-1").mkdir(parents=True)
    (tmp_path / "old" / "run-1" / "run.json").write_text("{}")
    assert local_store.access(tmp_path / "a" / "b") == Check("store", OK, f"{tmp_path}/a/b, made at the first record")
    assert local_store.access(tmp_path / "old") == Check("store", OK, f"{tmp_path}/old, 1 run")
    assert (
        local_store.access(tmp_path / "file" / "b").detail
        == f"{tmp_path}/file is a file, so {tmp_path}/file/b cannot be a directory"
    )
    assert local_store.access(tmp_path / "new").status == FAIL
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "new", "old"]


@pytest.mark.parametrize(("free", "status"), [(2**30, OK), (2**30 - 1, WARN), (2**24, WARN), (2**24 - 1, FAIL)])
def test_room_is_judged_against_what_a_run_may_take(tmp_path, free, status):
    assert local_store.room(tmp_path, free_bytes=free, needed_bytes=2**30).status == status


def test_without_a_local_store_there_is_nothing_to_judge():
    assert [check.status for check in local_store.check(Config(local=False))] == [WARN]


@pytest.mark.parametrize(
    ("distros", "configurators", "environ", "status", "detail"),
    [
        ([("mldebug", "otel-mldebug")], [("sdk", "opentelemetry-sdk")], {}, OK, "none but ours"),
        (
            [("distro", "opentelemetry-distro")],
            [("c", "opentelemetry-distro")],
            {},
            OK,
            "opentelemetry-distro, which we join",
        ),
        (
            [("a", "a-distro"), ("b", "b-distro")],
            [],
            {},
            WARN,
            "several are installed, the first one found wins: a-distro, b-distro",
        ),
        ([("a", "a-distro"), ("b", "b-distro")], [], {"OTEL_PYTHON_DISTRO": "a"}, OK, "a, which we join"),
    ],
)
def test_distros_are_counted_by_who_brings_them(distros, configurators, environ, status, detail):
    check = doubles.distributions(distros, configurators, environ)
    assert (check.status, check.detail) == (status, detail)


def test_an_instrumentor_that_reports_the_same_is_named_with_how_to_have_it_once():
    ours = [("mldebug", "otel-mldebug")]
    both = doubles.instrumentors([*ours, ("system_metrics", "x"), ("requests", "y")])
    assert both.status == WARN
    assert both.detail.startswith("system_metrics: host, process and garbage collector are measured twice")
    assert "OTEL_MLDEBUG_RESOURCES=false" in both.advice
    assert doubles.instrumentors([*ours, ("requests", "y")]) == Check(
        "instrumentors", OK, "requests beside ours: nothing comes twice"
    )


def test_settings_that_cannot_be_used_do_not_keep_the_rest_from_being_checked(monkeypatch):
    monkeypatch.setenv("OTEL_MLDEBUG_BUDGET", "lots")
    config, check = settings.load({"store": "x"})
    assert (config, check.status) == (Config(), FAIL)
    assert "OTEL_MLDEBUG_BUDGET='lots' is not usable" in check.detail


def test_effective_settings_say_where_they_come_from(monkeypatch):
    monkeypatch.setenv("OTEL_MLDEBUG_PROFILE", "production")
    config, _ = settings.load({"store": "x"})
    shown = settings.effective(config)
    assert shown["budget"] == {"value": 0.01, "origin": "profile production"}
    assert shown["profile"] == {"value": "production", "origin": "environment OTEL_MLDEBUG_PROFILE"}
    assert shown["store"] == {"value": "x", "origin": "argument"}
    assert shown["torch"] == {"value": True, "origin": "default"}
    assert shown["patterns"] == {"value": [], "origin": "default"}
    assert json.loads(json.dumps(shown)) == shown


def test_settings_for_redaction_are_shown_entry_by_entry_and_judged(monkeypatch):
    monkeypatch.setenv("OTEL_MLDEBUG_REDACT_PATTERNS", "ticket=TCK-[0-9]+\nroom=b[0-9]")
    origin = "environment OTEL_MLDEBUG_REDACT_PATTERNS"
    config, check = settings.load({})
    assert settings.effective(config)["redact_patterns"] == {
        "value": ["ticket=TCK-[0-9]+", "room=b[0-9]"],
        "origin": origin,
    }
    assert check.status == OK
    monkeypatch.setenv("OTEL_MLDEBUG_REDACT_PATTERNS", "ticket=[")
    _, check = settings.load({})
    assert check.status == FAIL
    assert check.detail.startswith(f"redact_patterns ({origin}): redaction pattern 'ticket'='[' is not usable")


def test_variables_are_shown_without_their_secrets():
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=abc123def", "OTEL_SERVICE_NAME": "cifar", "PATH": "/bin"}
    assert settings.variables(environ) == {
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=[redacted:api-key]",
        "OTEL_SERVICE_NAME": "cifar",
    }
