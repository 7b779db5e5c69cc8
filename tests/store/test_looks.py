"""Looks at layers: written, read back, and put together layer by layer."""

import json
import math

import pytest

from otel_mldebug.rules.looks import Layer, Look, Operation, Parameter, Stats
from otel_mldebug.store.lines import look_line
from otel_mldebug.store.looks import layer_curves, looks
from otel_mldebug.store.queries import Store
from tests.store.making import lines, writer

PLAIN = {"size": 4, "mean": 0.0, "std": 1.0, "low": -1.0, "high": 1.0}


def stats(norm, size=4, **more):
    return Stats(**{"size": size, "norm": norm, "mean": 0.0, "std": 1.0, "low": -1.0, "high": 1.0, **more})


def look(step, *parameters, **more):
    return Look(step=step, time_ns=step, parameters=parameters, **more)


def parameter(name, gradient=None, weight=1.0, **more):
    layer, _, _ = name.rpartition(".")
    return Parameter(
        name=name,
        layer=layer,
        module="Linear",
        weight=stats(weight),
        gradient=None if gradient is None else stats(gradient),
        **more,
    )


def stored(root, *found, rank=None):
    out = writer(root, rank=rank)
    for one in found:
        out.look(one)
    out.close()
    return Store(root).latest()


def test_a_look_is_a_line_without_what_says_nothing(tmp_path):
    stored(tmp_path, look(3, parameter("fc.weight", 0.5), loss=math.nan, optimizer="SGD"))
    (path,) = tmp_path.rglob("looks.jsonl")
    weight = {"size": 4, "norm": 1.0, "mean": 0.0, "std": 1.0, "low": -1.0, "high": 1.0}
    assert lines(path) == [
        {
            "v": 1,
            "step": 3,
            "time_ns": 3,
            "optimizer": "SGD",
            "loss": "NaN",
            "parameters": [
                {
                    "name": "fc.weight",
                    "layer": "fc",
                    "module": "Linear",
                    "weight": weight,
                    "gradient": {**weight, "norm": 0.5},
                }
            ],
        }
    ]


def test_looks_of_several_ranks_come_by_step_and_can_be_cut_out(tmp_path):
    stored(tmp_path, look(0), look(2), look(9), rank=1)
    run = stored(tmp_path, look(0), look(2), look(9), rank=0)
    assert [(one["step"], one["rank"]) for one in looks(run, 1, 8)] == [(2, 0), (2, 1)]


def test_a_layer_has_the_norm_of_all_its_parameters_and_its_worst_units(tmp_path):
    first = look(
        0,
        parameter("fc.weight", 3.0, 6.0, update_ratio=0.5),
        parameter("fc.bias", 4.0, 8.0, update_ratio=0.5),
        operations=(Operation(kind="Relu", layer="fc", dead=0.25), Operation(kind="Relu", layer="fc", dead=0.75)),
    )
    (curve,) = layer_curves(looks(stored(tmp_path, first, look(7, parameter("fc.weight", None, 6.0)))))
    assert curve.to_json() == {
        "layer": "fc",
        "module": "Linear",
        "parameters": 4,
        "trainable": True,
        "steps": [0, 7],
        "gradient_norm": [5.0, None],
        "weight_norm": [10.0, 6.0],
        "update_ratio": [0.5, None],
        "dead": [0.75, None],
    }


@pytest.mark.parametrize(
    ("weight", "bias", "ratio"),
    [
        pytest.param(1e-9, 1.0, 1e-5, id="a bias that started at 0 and whose step is all of it"),
        pytest.param(1e-3, None, 1e-3, id="one that was not measured"),
        pytest.param(1e-3, 0.0, 1e-3, id="one that stays"),
        pytest.param(None, None, None, id="nothing measured"),
        pytest.param(0.0, 0.0, 0.0, id="nothing moves"),
    ],
)
def test_the_update_of_a_layer_is_that_of_all_its_parameters_over_all_of_them(tmp_path, weight, bias, ratio):
    seen = look(
        0,
        parameter("fc.weight", 1.0, 100.0, update_ratio=weight),
        parameter("fc.bias", 1.0, 1e-3, update_ratio=bias),
    )
    (curve,) = layer_curves(looks(stored(tmp_path, seen)))
    assert curve.latest("update_ratio") == (None if ratio is None else pytest.approx(ratio, rel=1e-6))


def test_a_damaged_layer_is_known_from_the_first_look_that_shows_it(tmp_path):
    bad = Parameter(name="fc.weight", layer="fc", weight=stats(1.0), gradient=stats(0.0, nonfinite=0.5))
    (curve,) = layer_curves(looks(stored(tmp_path, look(0, parameter("fc.weight", 1.0)), look(4, bad), look(8, bad))))
    assert curve.first_bad == 4


def test_layers_are_those_of_the_lowest_rank_and_frozen_ones_are_told(tmp_path):
    stored(tmp_path, look(0, parameter("fc.weight", 9.0)), rank=1)
    frozen = parameter("body.weight", None, trainable=False)
    run = stored(tmp_path, look(0, frozen, parameter("fc.weight", 1.0)), rank=0)
    assert [(c.name, c.trainable, c.series["gradient_norm"]) for c in layer_curves(looks(run))] == [
        ("body", False, [None]),
        ("fc", True, [1.0]),
    ]


def test_damaged_lines_and_fields_of_other_versions_do_no_harm(tmp_path):
    run = stored(tmp_path, look(0, parameter("fc.weight", 1.0), layers=(Layer(name="Net", kind="Net", root=True),)))
    (path,) = tmp_path.rglob("looks.jsonl")
    path.write_bytes(b"garbage\n[1]\n" + b'{"v": 2, "step": 5, "new": {}}\n' + path.read_bytes())
    assert sorted(one["step"] for one in looks(run)) == [0, 5]
    assert [curve.steps for curve in layer_curves(looks(run))] == [[0]]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        pytest.param(stats(0.123456789), {**PLAIN, "norm": 0.1234568}, id="seven digits"),
        pytest.param(stats(1.0, zero=0.5, tiny=0.25), {**PLAIN, "norm": 1.0, "zero": 0.5, "tiny": 0.25}, id="shares"),
        pytest.param(
            stats(math.nan, low=-math.inf, nonfinite=1.0),
            {**PLAIN, "norm": "NaN", "low": "-Infinity", "zero": 0.0, "nonfinite": 1.0, "tiny": 0.0},
            id="no numbers",
        ),
        pytest.param(
            stats(1e300, high=1e308, low=-1e308), {**PLAIN, "norm": 1e300, "high": 1e308, "low": -1e308}, id="huge"
        ),
    ],
)
def test_statistics_are_written_with_what_they_say(given, written):
    line = look_line(look(1, Parameter(name="w", weight=given)))
    assert json.loads(line)["parameters"] == [{"name": "w", "weight": written}]


def test_what_an_operation_has_saved_is_written_as_it_is():
    settings = {"dim": -1, "p": 0.5, "training": True, "flag": False, "mode": 'a"b\n', "pad": (1, 2), "far": math.inf}
    line = look_line(look(1, operations=(Operation(kind="Pad", inputs=(0, 3), shape=(2,), settings=settings),)))
    assert line.isascii()
    assert json.loads(line)["operations"] == [
        {"kind": "Pad", "inputs": [0, 3], "shape": [2], "settings": {**settings, "pad": [1, 2], "far": "Infinity"}}
    ]


def test_what_json_has_nothing_for_is_no_line():
    with pytest.raises(TypeError):
        look_line(look(1, operations=(Operation(kind="Odd", settings={"thing": object()}),)))
