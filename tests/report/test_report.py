"""The report: what it holds, and that it recommends nothing that was not seen."""

from otel_mldebug.report.document import report
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.queries import Store
from otel_mldebug.store.states import decide
from tests.cli.stored import RUN, nan_run
from tests.store.making import START_NS, finding, occurrence, step, writer
from tests.store.test_looks import look, parameter


def healthy(root, steps=100, **more):
    out = writer(root, RUN)
    for n in range(steps):
        parts = {"data_s": 0.01, "forward_s": 0.03, "backward_s": 0.05, "optimizer_s": 0.01}
        out.step(step(n, duration_s=0.1, loss=1 / (n + 1), **parts))
    for one in more.get("looks", ()):
        out.look(one)
    for one in more.get("findings", ()):
        out.finding(one)
    out.close()
    return report(Store(root))


def test_a_healthy_run_is_healthy_and_nothing_is_recommended(tmp_path):
    document = healthy(tmp_path)
    assert document["verdict"] == {"healthy": True, "steps_seen": 100}
    assert "recommendations" not in document
    assert document["training"]["curves"]["loss"]["mean"][:2] == [1.0, 0.5]


def test_what_to_do_follows_from_the_findings_the_worst_first(tmp_path):
    document = report(Store(nan_run(tmp_path)))
    assert document["verdict"] == {
        "healthy": False,
        "rule": "loss.nonfinite",
        "category": "loss",
        "severity": "critical",
        "summary": "The loss became NaN at step 90.",
        "cause": "The learning rate is too high.",
        "step": 90,
        "epoch": 1,
        "rank": 0,
        "layer": "head.fc2",
        "id": "0000000000000002",
        "confidence": 0.95,
    }
    assert [(one["severity"], one.get("rule"), one["text"]) for one in document["recommendations"]] == [
        ("critical", "loss.nonfinite", "Clip gradients."),
        ("critical", "loss.nonfinite", "Lower the learning rate."),
        ("warning", "network.refused", "Start the server."),
        ("info", None, "Load batches in parallel: DataLoader(num_workers=…, persistent_workers=True)."),
    ]
    assert document["recommendations"][3]["evidence"] == {"data_share": 0.4286, "data_s": 1.2}


def test_what_was_decided_about_and_hints_are_not_recommended(tmp_path):
    hint = finding("data.hint", "00000000000000aa", Severity.INFO, category=Category.DATA, solutions=("Shuffle.",))
    done = finding("data.done", "00000000000000bb", Severity.ERROR, category=Category.DATA, solutions=("Mend it.",))
    healthy(tmp_path, findings=[occurrence(1, of=hint), occurrence(2, of=done)])
    assert [one["text"] for one in report(Store(tmp_path))["recommendations"]] == ["Mend it."]
    decide(tmp_path, "00000000000000bb", "resolved", time_ns=START_NS + 10**12)
    assert "recommendations" not in report(Store(tmp_path))


def test_frozen_layers_are_mentioned_where_others_train(tmp_path):
    frozen = [parameter("body.weight", trainable=False), parameter("head.weight", 1.0)]
    (one,) = healthy(tmp_path, looks=[look(0, *frozen)])["recommendations"]
    assert one == {
        "text": "Check that the frozen layers are the ones that are meant to be.",
        "why": "1 of 2 layers with 4 parameters require no gradients.",
        "severity": "info",
        "evidence": {"frozen_layers": 1, "layers": 2, "frozen_parameters": 4},
    }


def test_a_short_run_is_not_judged_by_its_curves(tmp_path):
    (one,) = healthy(tmp_path, steps=12)["recommendations"]
    assert one["why"] == "12 steps are too few for the rules that look at curves."


def test_a_run_without_steps_is_neither_healthy_nor_judged(tmp_path):
    document = healthy(tmp_path, steps=0, findings=[occurrence(1, of=finding("a.b", severity=Severity.INFO))])
    assert (document["verdict"]["rule"], "training" in document, "layers" in document) == ("a.b", False, False)


def test_what_the_others_follow_from_comes_first_among_equals(tmp_path):
    late = finding("a.late", "00000000000000aa", Severity.ERROR, category=Category.DATA, solutions=("Mend the end.",))
    early = finding("z.early", "00000000000000bb", Severity.ERROR, category=Category.DATA, solutions=("Start.",))
    document = healthy(tmp_path, findings=[occurrence(1, at_s=9, of=late, count=7), occurrence(2, at_s=1, of=early)])

    assert document["verdict"]["rule"] == "z.early"
    assert [one["text"] for one in document["recommendations"]] == ["Start.", "Mend the end."]


def test_workers_are_not_recommended_where_a_batch_takes_less_than_handing_it_over(tmp_path):
    out = writer(tmp_path, RUN)
    for n in range(100):
        out.step(step(n, duration_s=0.002, data_s=0.001, forward_s=0.0005, backward_s=0.0005, samples=8))
    out.close()
    document = report(Store(tmp_path))

    assert [(one["text"], one["why"]) for one in document["recommendations"]] == [
        (
            "Take larger batches, or slice tensors that are in memory: a DataLoader collates sample by sample.",
            "50% of the step time was waiting for data.",
        )
    ]
    assert document["training"]["curves"]["samples_per_s"]["mean"][:2] == [4000.0, 4000.0]
