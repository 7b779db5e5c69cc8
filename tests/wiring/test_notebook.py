"""A real kernel: findings under the failing cell, a summary on demand, and nothing left after unloading."""

import pytest

nbformat = pytest.importorskip("nbformat", reason="notebooks need nbformat")
nbclient = pytest.importorskip("nbclient", reason="notebooks need nbclient")
pytest.importorskip("ipykernel", reason="notebooks need ipykernel")

BAD_LOSS = """
from otel_mldebug.instrument import sink
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category, Severity
for step in range(3):
    sink.current().finding(Finding(rule="loss.nonfinite", category=Category.LOSS, severity=Severity.CRITICAL,
                                   summary="The loss is <NaN>.", fingerprint="f"), step=step)
"""


@pytest.mark.filterwarnings("ignore")
def run(programs, monkeypatch, *cells):
    """Return the outputs of each cell as (kind, text) pairs."""
    for name, value in programs.environ().items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    resources = {"metadata": {"path": str(programs.directory)}}
    nbclient.NotebookClient(
        notebook, allow_errors=True, timeout=90, kernel_name="python3", resources=resources
    ).execute()
    return [
        [
            (output.output_type, output.get("data", {}).get("text/plain") or output.get("text") or output.get("ename"))
            for output in cell.outputs
        ]
        for cell in notebook.cells
    ], notebook


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("begin", ["%load_ext otel_mldebug", "import otel_mldebug; otel_mldebug.configure()"])
def test_the_finding_is_shown_under_the_cell_that_failed(programs, monkeypatch, begin):
    outputs, notebook = run(
        programs,
        monkeypatch,
        begin,
        "x = 1",
        "1 / 0",
        "def f(:",
        BAD_LOSS,
        "import otel_mldebug; otel_mldebug.summary()",
        "otel_mldebug.shutdown()",
        "1 / 0",
    )
    assert outputs[0] == outputs[1] == []
    assert [kind for kind, _ in outputs[2]] == ["error", "display_data"]
    assert outputs[2][1][1].startswith("ERROR  ")
    assert "<b>" in notebook.cells[2].outputs[1]["data"]["text/html"]
    assert [kind for kind, _ in outputs[3]] == ["error"], "a syntax error says all there is to say"
    assert [text.splitlines()[0] for _, text in outputs[4]] == ["CRITICAL  The loss is <NaN>."], "once for the group"
    assert "The loss is &lt;NaN&gt;." in notebook.cells[4].outputs[0]["data"]["text/html"]
    assert outputs[5][0][1].startswith("Run ")
    assert "2 findings" in outputs[5][0][1]
    assert [kind for kind, _ in outputs[7]] == ["error"], "after the end nothing is shown any more"


@pytest.mark.filterwarnings("ignore")
def test_the_extension_can_be_unloaded(programs, monkeypatch):
    outputs, _ = run(programs, monkeypatch, "%load_ext otel_mldebug", "%unload_ext otel_mldebug", "1 / 0")
    assert outputs[:2] == [[], []]
    assert [kind for kind, _ in outputs[2]] == ["error"]
