"""`watch(model)`: contracts, activations and inference of one model, and a model that is none the worse for it."""

import copy
import io
import pickle
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

import otel_mldebug  # noqa: E402
from otel_mldebug import Contract, UsageError  # noqa: E402


class Net(nn.Module):
    """Two layers and an operation between them."""

    def __init__(self, spoil: float = 0.0) -> None:
        super().__init__()
        self.body = nn.Linear(4, 8)
        self.act = nn.ReLU()
        self.head = nn.Linear(8, 3)
        self.spoil = spoil

    def forward(self, x: Any) -> Any:
        hidden = self.act(self.body(x))
        return self.head(hidden / self.spoil if self.spoil else hidden)


class Crooked(Net):
    def forward(self, x: Any) -> Any:
        return self.head(self.act(self.body(x)) * float("nan"))


def rules(watch: Any) -> list[tuple[str, str]]:
    return [(layer, finding.rule) for layer, finding in watch.found]


def test_a_healthy_model_has_rows_for_all_its_layers_and_no_findings(seen):
    torch.manual_seed(0)
    net = Net()
    with otel_mldebug.watch(net, input=Contract(shape=(None, 4), dtype="float32"), expected_shape=(None, 3)) as watch:
        out = net(torch.randn(5, 4))

    rows = watch.activations().rows
    assert [(r.layer, r.kind, r.shape, r.dtype) for r in rows] == [
        ("body", "Linear", (5, 8), "float32"),
        ("act", "ReLU", (5, 8), "float32"),
        ("head", "Linear", (5, 3), "float32"),
        ("Net", "Net", (5, 3), "float32"),
    ]
    assert rows[3].stats.mean == pytest.approx(out.mean().item())
    assert rows[1].stats.low == 0.0
    assert seen.found == []
    assert str(watch.activations()).splitlines()[0].split()[:3] == ["layer", "kind", "shape"]
    assert [row["layer"] for row in watch.activations().to_json()] == ["body", "act", "head", "Net"]


def test_a_shape_that_is_not_as_expected_is_one_finding_however_often_it_is_seen(seen):
    net = Net()
    with otel_mldebug.watch(net, expected_shape=(None, 10), every=1):
        for _ in range(3):
            net(torch.randn(5, 4))

    assert [(f.rule, where["layer"]) for f, where in seen.found] == [("contract.shape", "Net")]


def test_contracts_of_layers_are_kept_by_their_name(seen):
    net = Net()
    layers = {"act": Contract(low=0.5), "head": Contract(dtype=torch.float16)}
    with otel_mldebug.watch(net, layers=layers) as watch:
        net(torch.randn(64, 4))

    assert rules(watch) == [("act", "contract.range"), ("head", "contract.dtype")]


def test_a_value_that_is_not_finite_is_told_where_it_came_up_and_nowhere_else(seen):
    net = Crooked()
    with otel_mldebug.watch(net) as watch:
        net(torch.randn(5, 4))

    assert rules(watch) == [("head", "contract.nonfinite")]
    assert watch.found[0][1].evidence["after"] == "act"


def test_a_bad_weight_is_told_at_its_layer_and_bad_data_at_the_model(seen):
    net = Net()
    with torch.no_grad():
        net.body.weight[0, 0] = float("inf")
    with otel_mldebug.watch(net) as watch:
        net(torch.ones(5, 4))
    assert rules(watch) == [("body", "contract.nonfinite")]

    net = Net()
    with otel_mldebug.watch(net) as watch:
        net(torch.full((5, 4), float("nan")))
    assert rules(watch) == [("Net", "contract.nonfinite")]
    assert watch.found[0][1].category == "input_validation"


def test_minus_infinity_alone_is_a_mask(seen):
    net = nn.Sequential(nn.Identity(), nn.Softmax(-1))
    with otel_mldebug.watch(net) as watch:
        net(torch.tensor([[0.0, float("-inf")]]))

    assert rules(watch) == []


def test_one_pass_in_so_many_is_looked_into(seen):
    net = Net()
    with otel_mldebug.watch(net, every=3, expected_shape=(5, 3)) as watch:
        for rows in (5, 6, 6, 5, 6, 6):
            net(torch.randn(rows, 4))
    assert rules(watch) == []
    with otel_mldebug.watch(net, every=3, expected_shape=(5, 3)) as watch:
        for rows in (5, 5, 5, 6):
            net(torch.randn(rows, 4))
    assert rules(watch) == [("Net", "contract.shape")]


def test_results_gradients_and_random_numbers_are_the_same_with_and_without(seen):
    def train(watched: bool) -> list[Any]:
        torch.manual_seed(3)
        net = nn.Sequential(Net(), nn.Dropout(0.5))
        opt = torch.optim.SGD(net.parameters(), 0.1)
        watch = otel_mldebug.watch(net, every=1) if watched else None
        for _ in range(5):
            opt.zero_grad()
            net(torch.randn(4, 4)).square().mean().backward()
            opt.step()
        if watch is not None:
            watch.remove()
        return [p.detach().clone() for p in net.parameters()]

    assert all(torch.equal(a, b) for a, b in zip(train(False), train(True), strict=True))


def test_nothing_is_left_of_it_after_it_is_removed(seen):
    net = Net()
    watch = otel_mldebug.watch(net, every=1)
    watch.remove()
    watch.remove()
    net(torch.randn(2, 4))

    assert watch.activations().rows == ()
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in net.modules())


def test_hooks_that_the_program_takes_out_itself_do_no_harm(seen):
    net = Net()
    watch = otel_mldebug.watch(net, every=1)
    for module in net.modules():
        module._forward_hooks.clear()
    net(torch.randn(2, 4))
    net(torch.randn(2, 4))
    watch.remove()

    assert seen.found == []


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_a_copy_of_a_watched_model_works_and_is_not_watched(seen, how):
    net = Net()
    with otel_mldebug.watch(net, every=1) as watch:
        other = how(net)
        x = torch.randn(2, 4)
        assert torch.equal(other(x), other(x))
        assert watch.activations().rows == ()
        assert b"otel_mldebug" not in pickle.dumps(nn.Sequential(nn.Linear(1, 1), nn.ReLU()))


def test_a_file_of_a_watched_model_does_not_need_us_to_be_loaded(seen):
    net = nn.Linear(2, 2)
    file = io.BytesIO()
    with otel_mldebug.watch(net):
        torch.save(net, file)

    assert b"otel_mldebug" not in file.getvalue()


def test_a_model_that_is_compiled_while_it_is_watched_compiles_once_and_whole(seen):
    graphs = []

    def backend(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    net = Net()
    x = torch.randn(2, 4)
    expected = net(x)
    with otel_mldebug.watch(net, every=1) as watch:
        fast = torch.compile(net, backend=backend, fullgraph=True)
        for _ in range(3):
            assert torch.equal(fast(x), expected)

    assert len(graphs) == 1
    assert watch.activations().rows == ()


def test_a_compiled_model_is_declined_with_what_to_do(seen):
    net = Net()
    for model in (torch.compile(net, backend="eager"), nn.Sequential(torch.compile(Net(), backend="eager"))):
        with pytest.raises(UsageError, match="Watch it first and compile it then"):
            otel_mldebug.watch(model)


@pytest.mark.filterwarnings("ignore")
def test_a_scripted_model_is_declined_and_a_scripted_layer_is_seen_from_outside(seen):
    scripted = torch.jit.script(nn.Linear(2, 2))
    with pytest.raises(UsageError, match="Watch the module that was scripted"):
        otel_mldebug.watch(scripted)
    net = nn.Sequential(scripted, nn.ReLU())
    with otel_mldebug.watch(net) as watch:
        net(torch.ones(1, 2))
    assert [row.layer for row in watch.activations().rows] == ["1", "Sequential"]


@pytest.mark.filterwarnings("ignore")
def test_nothing_of_it_is_in_a_traced_graph(seen):
    net = nn.Linear(2, 2)
    plain = str(torch.jit.trace(net, torch.ones(1, 2)).graph).count("aten::")
    with otel_mldebug.watch(net, every=1):
        assert str(torch.jit.trace(net, torch.ones(1, 2)).graph).count("aten::") == plain


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_model_is_watched(seen):
    net = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 4)), {nn.Linear})
    with otel_mldebug.watch(net, every=1) as watch:
        net(torch.ones(1, 4))
    assert [row.kind for row in watch.activations().rows] == ["Linear", "Sequential"]
    assert otel_mldebug.parameter_report(net).count == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": {"haed": Contract()}}, "there is no layer 'haed'. There are: body, act, head"),
        ({"every": 0}, "give 1 or more"),
    ],
)
def test_what_cannot_be_watched_is_said_at_once(arguments, message):
    with pytest.raises(UsageError, match=message):
        otel_mldebug.watch(Net(), **arguments)
    with pytest.raises(UsageError, match="was given a function"):
        otel_mldebug.watch(lambda x: x)


class Strange(nn.Module):
    def forward(self, kind: str) -> Any:
        return {
            "sparse": lambda: torch.eye(3).to_sparse(),
            "complex": lambda: torch.ones(2, dtype=torch.complex64),
            "meta": lambda: torch.ones(2, device="meta"),
            "empty": lambda: torch.ones(0, 3),
            "bool": lambda: torch.ones(2, dtype=torch.bool),
            "nested": lambda: torch.nested.nested_tensor([torch.ones(1), torch.ones(2)], layout=torch.jagged),
            "none": lambda: None,
            "text": lambda: "text",
            "tree": lambda: {"a": [torch.ones(1), (torch.ones(2), None)], "b": object()},
        }[kind]()


@pytest.mark.parametrize("kind", ["sparse", "complex", "meta", "empty", "bool", "nested", "none", "text", "tree"])
def test_a_model_without_parameters_may_put_out_anything(seen, kind):
    net = Strange()
    with otel_mldebug.watch(net, every=1) as watch:
        net(kind)

    assert rules(watch) == []
    assert str(watch.activations())


def test_functorch_and_fake_tensors_are_left_alone(seen):
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.func import functional_call, vmap

    net = Net()
    with otel_mldebug.watch(net, every=1):
        vmap(net)(torch.randn(5, 4))
        vmap(lambda p: functional_call(net, p, (torch.randn(2, 4),)), randomness="different")(
            {n: torch.stack([p, p]) for n, p in net.named_parameters()}
        )
        with FakeTensorMode(allow_non_fake_inputs=True):
            net(torch.empty(2, 4))

    assert seen.found == []
