"""Graphs that cannot be captured, derivatives of one's own, operations that get what they cannot take."""

from tests.provocation.case import Table

case = Table("torch")


@case("model", "dependency", remedy="torchscript|trace|script|annotat|ignore")
def scripted_code_with_a_lambda(world):
    import torch

    def outer(x):
        return (lambda y: y)(x)

    torch.jit.script(outer)


@case("model", "dependency", remedy="torchscript|trace|script|annotat|ignore")
def scripted_module_without_that_attribute(world):
    import torch

    class Net(torch.nn.Module):
        def forward(self, x):
            return self.missing(x)

    torch.jit.script(Net())


@case("model", "dependency", remedy="torchscript|trace|script|annotat|ignore")
def scripted_call_that_tensors_do_not_have(world):
    import torch

    class Net(torch.nn.Module):
        def forward(self, x):
            return x.frobnicate()

    torch.jit.script(Net())


@case("model", "", remedy="torch.cond|torch.where|control flow|wrap|concrete_args")
def traced_decision_about_values(world):
    import torch

    class Net(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    torch.fx.symbolic_trace(Net())


@case("model", "", remedy="shape|dimension|size")
def compiled_layer_with_another_shape(world):
    import torch

    @torch.compile(backend="eager", fullgraph=True)
    def layer(x, weight):
        return torch.nn.functional.linear(x, weight)

    layer(torch.ones(2, 3), torch.ones(2, 4))


@case("gradient", "", remedy="backward|return")
def function_with_too_few_gradients(world):
    import torch

    class Add(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    a, b = (torch.ones(2, requires_grad=True) for _ in range(2))
    Add.apply(a, b).sum().backward()


@case("gradient", "dependency", remedy="static|apply")
def function_of_the_old_kind(world):
    import torch

    class Same(torch.autograd.Function):
        def forward(self, a):
            return a

    Same()(torch.ones(2))


@case("input_validation", "model system", remedy="cuda|cpu|device")
def device_by_another_name(world):
    import torch

    torch.device("gpu")


@case("data", "model", remedy="empty|numel|skip")
def maximum_of_nothing(world):
    import torch

    torch.zeros(0, 3).max(0)


@case("system", "model_loading training", remedy="makedirs|directory|path")
def checkpoint_without_a_directory(world):
    import torch

    torch.save({}, str(world.tmp / "none" / "last.pt"))


@case("model_loading", "system", remedy="path|file|download")
def exported_module_that_is_not_there(world):
    import torch

    torch.jit.load(str(world.tmp / "none.pt"))


@case("model", "input_validation", remedy="number|type|convert|float|tensor")
def negative_slope_as_text(world):
    import torch

    torch.nn.functional.leaky_relu(torch.ones(2), "0.1")


@case("model", "training", remedy="shape|square|dimension|permute|print")
def inverse_of_no_square(world):
    import torch

    torch.linalg.inv(torch.ones(2, 3))


@case("model", "", remedy="float32|dtype|float")
def inverse_in_half_precision(world):
    import torch

    torch.linalg.inv(torch.ones(2, 2).half())


@case("model", "", remedy="device|backend|quantstub|cpu")
def quantized_layer_with_a_float_input(world):
    import torch

    torch.ao.nn.quantized.Linear(2, 2)(torch.ones(2, 2))


@case("distributed", "input_validation data", remedy="rank|world_size|num_replicas")
def sampler_for_a_rank_too_many(world):
    import torch

    torch.utils.data.DistributedSampler([1, 2], num_replicas=2, rank=3)
