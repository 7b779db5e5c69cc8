"""`otel-mldebug training --layers` and `--vs`."""

import json

import pytest

from otel_mldebug.cli.main import main
from otel_mldebug.rules.looks import Operation
from tests.store.making import step, writer
from tests.store.test_comparing import made
from tests.store.test_looks import look, parameter


@pytest.fixture
def layered(here):
    out = writer(here / ".mldebug", "one")
    for n in range(3):
        out.step(step(n, loss=1.0))
        dead = (Operation(kind="Relu", layer="body.fc", dead=0.25),)
        body = parameter("body.fc.weight", 2.0 + n, 6.0, update_ratio=0.001)
        out.look(look(n, parameter("stem.weight", trainable=False), body, parameter("head.bias"), operations=dead))
    out.close()


def shown(capsys, *words):
    assert main(["training", *words]) == 0
    return capsys.readouterr().out


def test_each_layer_is_a_row_in_forward_order(layered, capsys):
    text = shown(capsys, "--layers").splitlines()
    assert text[-5:] == [
        "layer    parameters  gradient norm       weight norm  update  dead",
        "stem              4                                1                frozen",
        "body.fc           4              4  ▁▅█            6   0.001  25 %",
        "head              4                                1                no gradient",
        "3 looks between step 0 and step 2",
    ]


def test_json_has_the_layers_only_when_asked_for(layered, capsys):
    assert "layers" not in json.loads(shown(capsys, "--json"))
    layers = json.loads(shown(capsys, "--json", "--layers", "--steps", "1:"))["layers"]
    assert [(layer["layer"], layer["steps"], layer.get("gradient_norm")) for layer in layers] == [
        ("stem", [1, 2], None),
        ("body.fc", [1, 2], [3.0, 4.0]),
        ("head", [1, 2], None),
    ]


def test_the_page_says_how_often_layers_were_looked_into(layered, capsys):
    assert shown(capsys).splitlines()[2] == "3 looks into layers from step 0 to step 2"
    assert shown(capsys, "--steps", "1").splitlines()[2] == "1 look into layers at step 1"
    document = json.loads(shown(capsys, "--json", "--steps", "1:"))
    assert document["looks"] == document["by_process"][0]["looks"] == {"count": 2, "first_step": 1, "last_step": 2}


def test_a_run_without_looks_does_not_speak_of_them(here, capsys):
    made(here / ".mldebug", "one", [1.0])
    assert "look" not in shown(capsys)
    assert "looks" not in json.loads(shown(capsys, "--json"))


def test_without_looks_the_page_says_how_to_get_some(here, capsys):
    made(here / ".mldebug", "one", [1.0])
    assert shown(capsys, "--layers").splitlines()[-1] == "more of them: OTEL_MLDEBUG_LAYERS=50 (every 50 steps)"


def test_of_many_layers_those_in_trouble_are_shown(here, capsys):
    out = writer(here / ".mldebug", "one")
    out.step(step(0, loss=1.0))
    bad = parameter("last.weight", 1.0).gradient
    broken = {"gradient": type(bad)(size=4, norm=0.0, mean=0.0, std=0.0, low=0.0, high=0.0, nonfinite=1.0)}
    names = [parameter(f"layer{n}.weight", 1.0) for n in range(80)]
    last = parameter("last.weight", 1.0)
    out.look(look(0, *names, type(last)(name=last.name, layer="last", weight=last.weight, **broken)))
    out.close()
    text = shown(capsys, "--layers").splitlines()
    assert text[-3].endswith("not finite from step 0")
    assert text[-1] == "60 of 81 layers; all of them: --layers --json"


def test_two_runs_stand_side_by_side(here, capsys):
    made(here / ".mldebug", "one", [1.0, 0.9], rules=("a.b",), optimizers=["SGD"])
    made(here / ".mldebug", "two", [1.0, 0.5], duration_s=1.0, optimizers=["Adam"])
    assert shown(capsys, "one", "--vs", "two").splitlines() == [
        "                  one       two",
        "status            finished  finished",
        "steps             2         2",
        "step time         500 ms    1.00 s    x 2.00",
        "  forward         250 ms    500 ms    x 2.00",
        "  backward        100 ms    100 ms    x 1.00",
        "  other           150 ms    400 ms    x 2.67",
        "optimizers        SGD       Adam      differs",
        "",
        "The losses part at step 1: 0.9 and 0.5",
        "At step 1, the last in common: 0.9 and 0.5",
        "",
        "findings only in one: a.b",
    ]
    assert json.loads(shown(capsys, "one", "--vs", "two", "--json"))["losses_apart"] == {"step": 1, "loss": [0.9, 0.5]}


def test_an_unknown_second_run_is_an_error(layered, capsys):
    assert main(["training", "--vs", "nope"]) == 2
    assert "has no run 'nope'" in capsys.readouterr().err
