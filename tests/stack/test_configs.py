"""Every configuration is accepted by the program that it is for."""

import os

import pytest

from stack import build, services

pytestmark = pytest.mark.stack

CONFIGS = build.ROOT / "collector-config"


@pytest.fixture
def environ(tmp_path):
    """Let the configurations find the files that an administrator has to provide."""
    files = {"TOKEN_FILE": "token", "CA_FILE": "ca.pem", "CERT_FILE": "tls.crt", "KEY_FILE": "tls.key"}
    for name in files.values():
        (tmp_path / name).write_text("for validation only")
    settings = {**files, "STORAGE": "storage"}
    return {
        **os.environ,
        **{f"{who}_{key}": str(tmp_path / name) for who in ("AGENT", "GATEWAY") for key, name in settings.items()},
    }


@pytest.mark.parametrize("name", ["local", "agent", "gateway"])
def test_the_collector_accepts(name, tool, environ):
    result = tool("otelcol-mldebug", "validate", "--config", str(CONFIGS / f"{name}.yaml"), environ=environ)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("memory_limiter, delta_to_cumulative", "memory_limit, delta_to_cumulative", "memory_limit"),
        ("translation_strategy: Und", "translation: Und", "has invalid keys: translation"),
        ("set(datapoint", "st(datapoint", 'does not support the function "st"'),
    ],
    ids=["a processor that does not exist", "an unknown setting", "a transformation with a typing error"],
)
def test_the_collector_refuses(right, wrong, complaint, tool, environ, tmp_path):
    text = (CONFIGS / "local.yaml").read_text()
    assert right in text
    (tmp_path / "broken.yaml").write_text(text.replace(right, wrong, 1))
    result = tool("otelcol-mldebug", "validate", "--config", str(tmp_path / "broken.yaml"), environ=environ)
    assert result.returncode != 0
    assert complaint in result.stderr


def test_promtool_accepts_the_scrape_configuration_with_all_rules(tool, tmp_path):
    services.prometheus(tmp_path, services.Ports())
    result = tool("promtool", "check", "config", str(tmp_path / "prometheus.yaml"))
    assert result.returncode == 0, result.stderr
    assert "0 rules found" not in result.stdout
    assert "is valid prometheus config file syntax" in result.stdout
    assert (tmp_path / "prometheus.yaml").read_text() == (CONFIGS / "prometheus.yaml").read_text()
