"""The frame of the benchmarks: what it runs, what it prints, what it writes."""

import json
import math
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import page, run, startup
from benchmarks.figure import Figure, table
from benchmarks.timing import difference, half_quartiles, interleave, ratio

figures = st.builds(
    Figure,
    name=st.text(min_size=1),
    value=st.floats(allow_nan=False, allow_infinity=False),
    unit=st.sampled_from(["x", "ns", "s", "1"]),
    spread=st.none() | st.floats(0, 1e9),
    limit=st.none() | st.floats(0, 1e9),
    note=st.text(),
)


class Work:
    """Variants that take as long as they are told to, on a clock of their own."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.order: list[str] = []

    def __call__(self) -> float:
        return self.now_s

    def variant(self, name: str, seconds: float):
        def work() -> None:
            self.order.append(name)
            self.now_s += seconds

        return work


def test_variants_run_in_turn_and_the_order_changes_from_round_to_round():
    work = Work()
    times = interleave({"a": work.variant("a", 1.0), "b": work.variant("b", 2.0)}, repeats=3, clock=work)

    assert times == {"a": [1.0] * 3, "b": [2.0] * 3}
    assert "".join(work.order) == "ab" + "ba" + "ab" + "ba"


def test_a_ratio_compares_each_round_with_its_neighbour():
    figure = ratio("m.r", [2.0, 30.0, 4.0, 5.0], [1.0, 10.0, 2.0, 0.0], limit=1.5, note="n")

    assert figure == Figure(name="m.r", value=2.0, unit="x", spread=0.25, limit=1.5, note="n")
    assert figure.kept is False


def test_a_difference_is_nanoseconds_of_one_call():
    figure = difference("m.d", [0.003, 0.005], [0.001, 0.001], calls=1000)

    assert (figure.unit, figure.value, figure.kept) == ("ns", pytest.approx(3000), True)


@pytest.mark.parametrize(("values", "expected"), [([], 0.0), ([5.0], 0.0), ([1.0, 2.0, 3.0, 4.0, 5.0], 1.0)])
def test_the_spread_is_half_the_distance_of_the_quartiles(values, expected):
    assert half_quartiles(values) == expected


@given(figures)
def test_a_figure_survives_the_way_through_the_other_process(figure):
    line = json.dumps({"name": figure.name, **figure.to_json()})

    assert list(run.parse([line])) == [figure]


@pytest.mark.parametrize(
    "line", ["warming up", "[1, 2]", "{}", '{"name": "a"}', '{"name": "a", "value": 1, "odd": 2}', ""]
)
def test_what_else_a_benchmark_prints_stays_text(line):
    assert list(run.parse([line + "\n"])) == [line]


def test_the_table_shows_value_spread_promise_and_note():
    text = table(
        [
            Figure(name="functions.counted.overhead", value=1371.4, unit="ns", spread=4.0, limit=500.0, note="empty"),
            Figure(name="steps.mlp", value=1.0312, unit="x", limit=1.05),
        ]
    )

    assert text.splitlines() == [
        "functions.counted.overhead  1,371 ns  ± 4 ns  OVER 500 ns  empty",
        "steps.mlp                     1.031x          <= 1.050x",
    ]
    assert table([]) == ""


def test_the_document_names_versions_and_leaves_out_what_is_unknown():
    made = run.document([Figure(name="a.b", value=1.5, unit="x")], quick=True, failed=["steps"])

    assert made["figures"] == {"a.b": {"value": 1.5, "unit": "x"}}
    assert (made["quick"], made["failed"]) == (True, ["steps"])
    assert set(made["versions"]) >= {"opentelemetry-sdk", "otel-mldebug"}
    assert all(made["versions"].values())
    assert json.loads(json.dumps(made)) == made


def test_benchmarks_are_found_without_importing_them(tmp_path):
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n\ndef measure(quick):\n    pass\n")
    (tmp_path / "helper.py").write_text("def measured():\n    pass\n")
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "__init__.py").write_text("import nothing\n\ndef measure(quick):\n    pass\n")
    (tmp_path / "suite" / "part.py").write_text("def measure(quick):\n    pass\n")

    assert run.modules(tmp_path) == ["broken", "suite"]
    assert {"functions", "startup", "diagnosis"} <= set(run.modules())


def test_a_benchmark_runs_in_a_process_of_its_own_and_ends_up_in_the_file(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(run, "HERE", tmp_path / "benchmarks")
    (tmp_path / "benchmarks").mkdir()
    for name in ("figure", "page", "run", "timing", "__main__", "__init__"):
        shutil.copy(Path(run.__file__).with_name(f"{name}.py"), tmp_path / "benchmarks")
    (tmp_path / "benchmarks" / "tiny.py").write_text(
        "from benchmarks.figure import Figure\n\ndef measure(quick):\n"
        "    print('hello')\n    yield Figure(name='tiny.x', value=2.0 if quick else 3.0, unit='x')\n    1 / 0\n"
    )
    found, code = run.run("tiny", quick=True)

    assert (found, code) == ([Figure(name="tiny.x", value=2.0, unit="x")], 1)
    captured = capfd.readouterr()
    assert "tiny.x  2.000x" in captured.out
    assert "hello" in captured.err
    assert "ZeroDivisionError" in captured.err


def test_heavy_imports_are_read_from_what_python_prints():
    text = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       120 |        120 |   zipimport\n"
        "import time:     61000 |     223000 |     opentelemetry.sdk\n"
        "import time:      7000 |       9000 | typing\n"
    )

    assert startup.heavy(text) == [("opentelemetry.sdk", 61000), ("typing", 7000)]


def test_nothing_measured_is_nothing_promised():
    assert Figure(name="a", value=math.inf, unit="s").kept is True


def test_figures_go_between_the_markers_of_their_benchmark_and_nowhere_else():
    text = "# Cost\n<!-- bench:a -->\nold\n<!-- /bench:a -->\n<!-- bench:b -->\nkept\n<!-- /bench:b -->\n"
    made = {"date": "2026-11-21T15:00:00+00:00", "python": "3.11.7", "processors": 2, "versions": {"torch": "2.15.0"}}
    figures = [Figure(name="a.x", value=1.5, unit="x", spread=0.1, limit=2.0, note="ours / theirs")]

    assert page.with_figures(text, "a", figures, made) == (
        "# Cost\n<!-- bench:a -->\n"
        "Measured 2026-11-21 with Python 3.11.7, torch 2.15.0, on 2 processors.\n\n"
        "| figure | value | spread | promise | what was compared |\n|---|---|---|---|---|\n"
        "| `a.x` | 1.500x | ± 0.100x | <= 2.000x | ours / theirs |"
        "\n<!-- /bench:a -->\n<!-- bench:b -->\nkept\n<!-- /bench:b -->\n"
    )
    assert page.with_figures(text, "c", figures, made) == text
