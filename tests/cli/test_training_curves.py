"""`otel-mldebug training`: curves of what is only there in some runs: throughput, validation, loss scale, memory."""

import json

from otel_mldebug.cli.main import main
from tests.store.making import step, writer


def shown(capsys, *words):
    assert main(["training", *words]) == 0
    return capsys.readouterr().out


def _line(text, name):
    (line,) = (line for line in text.splitlines() if line.startswith(name))
    return line


def test_throughput_batch_validation_scale_and_memory_are_drawn_where_they_are_known(here, capsys):
    out = writer(here / ".mldebug")
    for n in range(40):
        more = {"evaluation_loss": 2.0 - n / 20} if n % 10 == 9 else {}
        more |= {"memory_bytes": 2**30 + n * 2**25} if n % 8 == 0 else {}
        out.step(step(n, samples=32, tokens=4096, scale=1024.0 if n < 20 else 512.0, **more))
    out.close()

    told = {line[:15].strip(): line[15:].split("  ")[-1].strip() for line in shown(capsys).splitlines()}
    assert {name: told[name] for name in ("samples/s", "tokens/s", "validation", "loss scale", "memory")} == {
        "samples/s": "mean 64, 32 a step",
        "tokens/s": "mean 8192",
        "validation": "1.55 → 0.05",
        "loss scale": "1024 → 512",
        "memory": "1.00 GiB → 2.00 GiB",
    }


def test_memory_that_hardly_changes_is_drawn_level_and_its_peak_is_told(here, capsys):
    out = writer(here / ".mldebug")
    for n, used in enumerate((1000, 1020, 1010)):
        out.step(step(n, memory_bytes=used * 2**20, device_bytes=(1 + n % 2) * 2**30))
    out.close()

    lines = [" ".join(line.split()) for line in shown(capsys).splitlines()]
    assert "memory ▅▅▅ 1000 MiB → 1010 MiB, most 1020 MiB" in lines
    assert "GPU memory ▁█▁ 1.00 GiB → 1.00 GiB, most 2.00 GiB" in lines


def test_the_throughput_of_ranks_is_that_of_each(here, capsys):
    for rank in (0, 1):
        out = writer(here / ".mldebug", rank=rank)
        out.step(step(0, samples=16))
        out.step(step(1))
        out.close()

    assert _line(shown(capsys), "samples/s").endswith("mean 32, 16 a step, each of 2")
    document = json.loads(shown(capsys, "--json"))
    assert [lane["samples_per_s"] for lane in document["by_process"]] == [32.0, 32.0]


def test_a_run_of_which_none_of_this_is_known_has_no_such_lines(here, capsys):
    out = writer(here / ".mldebug")
    out.step(step(0, loss=1.0))
    out.close()

    lines = shown(capsys).splitlines()
    assert [line[:15].strip() for line in lines if line[15:16] == "▅"] == ["loss", "step time"]
