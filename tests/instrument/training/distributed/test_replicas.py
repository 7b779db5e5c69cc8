"""What a rank tells of its replica: checksums that agree where parameters do, names, batches, wrappers, shards."""

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from otel_mldebug.instrument.training.distributed.replicas import FIRST, Replicas, next_look  # noqa: E402
from otel_mldebug.instrument.training.distributed.samples import Samples  # noqa: E402
from otel_mldebug.instrument.training.tensors.layers import Layers  # noqa: E402

pytestmark = pytest.mark.torch


def model(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(8, 2)
    )


def replicas(share=0.02):
    track = SimpleNamespace(held=[])
    recorder = SimpleNamespace(index=0, budget=SimpleNamespace(share=share), tracks=SimpleNamespace(track=track))
    return Replicas(torch, recorder, Layers(torch)), recorder


def trained(count=5, seed=0, held=None, **more):
    """Return the checks of `count` steps of SGD whose gradients are all ones."""
    net, (watched, recorder) = model(seed), replicas(**more)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for step in range(count):
        recorder.index = step
        recorder.tracks.track.held = held(step) if held else []
        for parameter in net.parameters():
            parameter.grad = torch.ones_like(parameter)
        watched.before(optimizer, (), {})
        optimizer.step()
    return watched


def test_equal_models_have_equal_checksums_and_every_step_changes_them():
    first, second = trained().checks(), trained().checks()
    assert first == second
    assert [(check.number, check.step) for check in first] == [(n, n) for n in range(5)]
    assert all(len(set(column)) == 5 for column in zip(*(check.sums for check in first), strict=True))


def test_other_models_have_other_checksums():
    assert trained(1).checks()[0].sums != trained(1, seed=1).checks()[0].sums


def test_parameters_have_their_names():
    assert trained(1).names == [("0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias")]


def test_later_looks_are_rare_and_at_the_same_steps_everywhere():
    numbers, number = [0], 0
    while number < 1000:
        numbers.append(number := next_look(number))
    assert numbers == [*FIRST, 600, 800, 1000]


def test_without_a_budget_nothing_is_looked_at():
    watched = trained(3, share=0.0)
    assert (watched.checks(), watched.batches) == ((), {})


def test_equal_batches_have_equal_digests():
    def batch(seed):
        def held(step):
            torch.manual_seed(seed + step)
            return [{"image": torch.randn(4, 3), "label": [torch.randint(9, (4,))]}]

        return held

    assert trained(held=batch(0)).batches == trained(held=batch(0)).batches
    assert len(set(trained(held=batch(0)).batches.values())) == 5
    assert trained(held=batch(0)).batches[0] != trained(held=batch(100)).batches[0]
    assert trained(held=lambda _: [("a", 3, None)]).batches == {}


def test_sharded_parameters_are_left_alone():
    class DTensor(torch.nn.Parameter):
        pass

    watched, _ = replicas()
    optimizer = torch.optim.SGD([DTensor(torch.ones(3))], lr=0.1)
    watched.before(optimizer, (), {})
    assert (watched.sharded, watched.checks()) == (True, ())


@pytest.mark.parametrize(
    "tensor",
    [
        pytest.param(torch.tensor(3.0), id="a scalar"),
        pytest.param(torch.empty(0), id="empty"),
        pytest.param(torch.randn(4, 6).t(), id="transposed"),
        pytest.param(torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last), id="channels last"),
        pytest.param(torch.randn(9, dtype=torch.bfloat16), id="bfloat16"),
        pytest.param(torch.randn(9, dtype=torch.complex64), id="complex"),
        pytest.param(torch.randn(100)[10:20], id="a part of another"),
    ],
)
def test_any_dense_tensor_has_a_checksum(tensor):
    samples = Samples(torch)
    both = samples.of([tensor, torch.ones(3, dtype=torch.float64)])()
    assert both == samples.of([tensor.clone(), torch.ones(3, dtype=torch.float64)])()
    if tensor.numel():
        assert both[0] != samples.of([tensor + 1])()[0]
    assert samples.of([]) is None


def test_the_sampler_tells_whether_ranks_share_the_data():
    watched, _ = replicas()
    data = torch.utils.data.TensorDataset(torch.arange(8))
    watched.iterated(torch.utils.data.DataLoader(data))
    assert watched.divided is False
    sampler = torch.utils.data.distributed.DistributedSampler(data, num_replicas=2, rank=1)
    watched.iterated(torch.utils.data.DataLoader(data, sampler=sampler))
    assert watched.divided is True


def test_a_wrapped_model_says_whether_it_averages(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        watched, _ = replicas()
        parallel = torch.nn.parallel.DistributedDataParallel
        inner = torch.nn.Linear(3, 2)
        wrapper = parallel(inner)
        assert not watched.wrapped
        init = watched.wrapping(lambda *_: None)
        init(wrapper)
        assert watched.wrapped
        optimizer = torch.optim.SGD(inner.parameters(), lr=0.1)
        watched.before(optimizer, (), {})
        with wrapper.no_sync():
            watched.before(optimizer, (), {})
        watched.before(torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1), (), {})
        assert [check.synchronising for check in watched.checks()] == [True, False, None]
        assert watched.checks()[0].optimizer != watched.checks()[2].optimizer
        assert not watched.joined
        with wrapper.join():
            watched.before(optimizer, (), {})
        assert watched.joined
    finally:
        torch.distributed.destroy_process_group()


class OnDevice(torch.Tensor):
    """Says that it is on a GPU."""

    is_cpu = False
    device = torch.device("cuda")


class Copying:
    """Stands in for the copy into pinned memory."""

    def __init__(self):
        self.vectors, self.arrived = [], False

    def copy(self, vector):
        self.vectors.append(vector.tolist())
        return SimpleNamespace(ready=lambda: self.arrived, values=lambda: self.vectors[-1])


def on_device(capturing=False):
    samples, copier = Samples(torch), Copying()
    samples._copier = copier
    samples._torch = SimpleNamespace(
        as_strided=torch.as_strided,
        cat=torch.cat,
        float32=torch.float32,
        cuda=SimpleNamespace(is_current_stream_capturing=lambda: capturing),
    )
    return samples, copier


def test_on_a_gpu_nothing_is_waited_for():
    samples, copier = on_device()
    sums = samples.of([torch.arange(64.0).as_subclass(OnDevice), torch.ones(3).as_subclass(OnDevice)])
    assert sums() is None
    copier.arrived = True
    assert sums() == sums() == Samples(torch).of([torch.arange(64.0), torch.ones(3)])()
    assert copier.vectors == [[4.0 * n for n in range(16)] + [1.0] * 3]


def test_while_a_graph_is_captured_nothing_is_launched():
    samples, copier = on_device(capturing=True)
    assert samples.of([torch.ones(3).as_subclass(OnDevice)]) is None
    assert copier.vectors == []


def test_a_model_that_was_wrapped_is_known_as_such_when_the_function_that_trained_it_has_ended():
    class Wrapper:
        pass

    watched, _ = replicas()
    before = watched.wrapped
    watched.wrapping(lambda wrapper: None)(Wrapper())

    assert (before, watched.wrapped, list(watched.wrappers)) == (False, True, [])
