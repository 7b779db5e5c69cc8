"""Gradients that vanish or explode through depth or time, dead and saturated units: what fires and what must not."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.layers.dead import dead_units
from otel_mldebug.rules.detectors.layers.profile import exploding_profile, vanished_gradients, vanishing_profile
from otel_mldebug.rules.detectors.layers.saturated import saturated_units
from otel_mldebug.rules.looks import Operation
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.layers.building import FALLING, FLAT, NET, chain, looks, stats, steps, weight


def deep(decades, layers=8):
    """A network whose gradients fall by so many powers of ten from the last layer to the first one."""
    return [weight(f"fc{i}", relative=0.01 * 10 ** (decades * (i / (layers - 1) - 1))) for i in range(layers)]


SHARED = Course(FLAT)
SHARED.shared = True


@pytest.mark.parametrize(
    ("parameters", "records", "severity"),
    [
        pytest.param(deep(8), FLAT, Severity.ERROR, id="eight powers of ten"),
        pytest.param(deep(8), [], Severity.ERROR, id="eight, loss unknown"),
        pytest.param(deep(4.5), FLAT, Severity.WARNING, id="four and a half, loss stuck"),
        pytest.param(deep(8), FALLING, None, id="eight, but the loss falls"),
        pytest.param(deep(4.5), SHARED, None, id="four and a half, in a game of two optimizers"),
        pytest.param(deep(4.5), steps([-0.1, 0.1] * 32), None, id="four and a half, policy gradients"),
        pytest.param(deep(2), FLAT, None, id="two"),
        pytest.param(deep(8, layers=3), FLAT, None, id="too few layers"),
        pytest.param(NET, FLAT, None, id="even"),
        pytest.param(
            [weight("fc0", relative=1e-9), *NET[1:]], FLAT, None, id="one odd layer at the front is no profile"
        ),
        pytest.param(
            [replace(p, gradient=stats(4096, 0.0)) if i % 2 else p for i, p in enumerate(NET * 2)],
            FLAT,
            None,
            id="adapters and residual branches that start at 0",
        ),
        pytest.param(
            [*deep(8)[:4], *[replace(p, module="Embedding") for p in deep(8)[4:]]], FLAT, None, id="tables of rows"
        ),
    ],
)
def test_gradients_that_vanish_through_depth(parameters, records, severity):
    finding = vanishing_profile(looks(parameters), records)
    assert (finding and finding.severity) == severity


def test_a_vanishing_profile_names_the_first_layer_its_cause_and_the_numbers():
    operations = chain(("Addmm", "fc0"), ("Sigmoid", "fc0"), ("Addmm", "fc7"), ("NllLoss", ""))
    finding = vanishing_profile(looks(deep(8), operations=operations), FLAT)
    assert (finding.rule, finding.evidence["layer"], finding.evidence["step"]) == ("gradient.vanishing", "fc0", 0)
    assert "sigmoid" in finding.cause
    assert finding.evidence["ratio"] < 1e-6
    assert finding.solutions[0].startswith("Use ReLU or GELU")


@pytest.mark.parametrize(("records", "severity"), [([], None), (FALLING, None), (FLAT, Severity.WARNING)])
def test_what_branches_pass_on_that_start_at_zero_counts_once_the_loss_is_stuck(records, severity):
    grown = looks([*deep(8), weight("out", relative=100.0)])
    first = grown[0].parameters
    born = replace(grown[0], parameters=(*first[:-1], replace(first[-1], weight=stats(4096, 0.0))))
    finding = vanishing_profile([born, *grown[1:]], records)
    assert (finding and finding.severity) == severity
    assert vanishing_profile(grown, []).severity == Severity.ERROR, "weights that were there from the start"


def test_a_profile_in_the_first_looks_only_is_no_finding():
    assert vanishing_profile([*looks(deep(8))[:4], *looks(NET)[4:]], FLAT) is None
    assert vanishing_profile(looks(deep(8), at=(0, 1)), []) is None


@pytest.mark.parametrize(
    ("decades", "relative", "records", "fires"),
    [
        pytest.param(-5, 1e4, FLAT, True, id="five powers of ten, larger than the weights"),
        pytest.param(-5, 1e4, FALLING, False, id="the loss falls"),
        pytest.param(-5, 1e-3, FLAT, False, id="small against the weights"),
        pytest.param(-2, 1e4, FLAT, False, id="two powers of ten"),
    ],
)
def test_gradients_that_explode_through_depth(decades, relative, records, fires):
    parameters = [weight(f"fc{i}", relative=relative * 10 ** (decades * i / 7)) for i in range(8)]
    finding = exploding_profile(looks(parameters), records)
    assert (finding and finding.rule) == ("gradient.exploding" if fires else None)


GONE = [1.0] * 40 + [1e-9] * 60


@pytest.mark.parametrize(
    ("losses", "norms", "fires"),
    [
        pytest.param([2.3] * 100, GONE, True, id="gone, and the loss is where it was"),
        pytest.param([2.3] * 40 + [0.7] * 60, GONE, False, id="converged to a noise floor"),
        pytest.param([2.3] * 100, [1.0] * 100, False, id="still there"),
        pytest.param([2.3] * 100, [1.0] * 40 + [1e-4] * 60, False, id="small, not gone"),
        pytest.param([-2.3] * 100, GONE, False, id="a loss that says nothing"),
        pytest.param([2.3] * 50, GONE[:50], False, id="too early"),
    ],
)
def test_gradients_that_are_gone(losses, norms, fires):
    finding = vanished_gradients(looks(NET), steps(losses, norms))
    assert (finding and (finding.rule, finding.evidence["step"])) == (("gradient.vanished", 40) if fires else None)


def relu(dead, *, shape=(64, 32), units=32, kind="Relu"):
    return Operation(kind=kind, layer="fc1", shape=shape, units=units, dead=dead)


def inside(activation):
    return chain(("Addmm", "fc1"), activation, ("Addmm", "out"), ("LogSoftmax", "out"), ("NllLoss", ""))


def at_the_end(before, activation):
    return chain(("Addmm", "fc1"), (before, "fc1"), activation, ("Mean", ""))


@pytest.mark.parametrize(
    ("operations", "records", "severity"),
    [
        pytest.param(inside(relu(1.0)), FLAT, Severity.ERROR, id="all"),
        pytest.param(inside(relu(1.0)), [], Severity.ERROR, id="all, loss unknown"),
        pytest.param(inside(relu(0.95)), FLAT, Severity.WARNING, id="most, and the loss is stuck"),
        pytest.param(inside(relu(0.95)), FALLING, None, id="most, and the loss falls"),
        pytest.param(inside(relu(0.85)), FLAT, None, id="a sparse layer"),
        pytest.param(inside(relu(1.0, shape=(8, 32))), FLAT, None, id="a batch of eight"),
        pytest.param(inside(relu(1.0, kind="LeakyRelu")), FLAT, None, id="another activation"),
        pytest.param(inside(relu(None)), FLAT, None, id="not known"),
        pytest.param(inside(relu(1.0, units=2, shape=(64, 2))), FLAT, None, id="two units"),
        pytest.param(at_the_end("Rsub", relu(1.0)), FLAT, None, id="a hinge loss that is satisfied"),
        pytest.param(at_the_end("View", relu(1.0)), FLAT, Severity.ERROR, id="the output"),
        pytest.param(at_the_end("View", relu(0.95)), FLAT, None, id="some outputs"),
    ],
)
def test_dead_units(operations, records, severity):
    finding = dead_units(looks(NET, operations=operations), records)
    assert (finding and finding.severity) == severity


def test_dead_units_say_which_how_many_since_when_and_why():
    before, after = looks(NET, operations=inside(relu(0.1))), looks(NET, operations=inside(relu(1.0)))
    finding = dead_units([*before[:4], *after[4:]], FLAT)
    told = {key: finding.evidence[key] for key in ("layer", "step", "dead_share", "dead_share_first", "units")}
    assert told == {"layer": "fc1", "step": 8, "dead_share": 1.0, "dead_share_first": 0.1, "units": 32}
    assert "learning rate" in finding.cause


def test_biases_far_below_zero_are_the_cause():
    bias = weight("fc1", (64,), name="fc1.bias", weight=stats(64, 0.0, mean=-10.0, low=-10.0, high=-10.0, norm=80.0))
    finding = dead_units(looks([*NET, bias], operations=inside(relu(1.0))), FLAT)
    assert finding.cause == "The biases of the layer are -10 on average, which outweighs what comes in."
    assert finding.evidence["bias_mean"] == -10


def test_one_look_at_dead_units_is_chance():
    assert dead_units(looks(NET, at=(0,), operations=inside(relu(1.0))), []) is None
    healthy, ill = looks(NET, operations=inside(relu(0.1))), looks(NET, operations=inside(relu(1.0)))
    assert dead_units([*healthy[:-1], ill[-1]], FLAT) is None


def squash(share, kind="Tanh", units=32, shape=(64, 32)):
    return Operation(kind=kind, layer="fc1", shape=shape, units=units, saturated=share)


@pytest.mark.parametrize(
    ("operations", "records", "fires"),
    [
        pytest.param(inside(squash(0.95)), FLAT, True, id="hidden tanh, loss stuck"),
        pytest.param(inside(squash(0.95, "Sigmoid")), FLAT, True, id="hidden sigmoid, loss stuck"),
        pytest.param(inside(squash(0.95)), FALLING, False, id="hidden, loss falls"),
        pytest.param(inside(squash(0.95)), [], False, id="hidden, loss unknown"),
        pytest.param(inside(squash(0.6)), FLAT, False, id="gates and codes"),
        pytest.param(inside(squash(0.99, "Softmax")), FLAT, False, id="sharp attention"),
        pytest.param(inside(squash(0.99, units=1, shape=(64, 1))), FLAT, False, id="a gate of one unit"),
        pytest.param(inside(squash(0.99, shape=(2, 32))), FLAT, False, id="a batch of two"),
        pytest.param(at_the_end("View", squash(1.0, "Sigmoid")), FLAT, True, id="output, loss stuck"),
        pytest.param(at_the_end("View", squash(1.0, "Sigmoid")), FALLING, False, id="a sure classifier"),
        pytest.param(at_the_end("View", squash(0.95, "Sigmoid")), FLAT, False, id="mostly sure"),
    ],
)
def test_saturated_units(operations, records, fires):
    finding = saturated_units(looks(NET, operations=operations), records)
    assert (finding and finding.evidence["layer"]) == ("fc1" if fires else None)
