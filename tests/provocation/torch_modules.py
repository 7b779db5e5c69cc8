"""Modules written or called wrongly, devices, memory, values that are not finite."""

from tests.provocation.case import Table, UnavailableError

case = Table("torch")


@case("model", "data input_validation", remedy="tensor|convert|from_numpy|as_tensor")
def layer_gets_a_list(world):
    import torch

    torch.nn.Linear(2, 2)([1.0, 2.0])


@case("model", "unknown dependency", remedy="attribute|spelling|name|version|__init__")
def module_without_that_layer(world):
    import torch

    return torch.nn.Linear(2, 2).head


@case("model", "input_validation", remedy="super().__init__")
def layer_assigned_before_init(world):
    import torch

    class Net(torch.nn.Module):
        def __init__(self):
            self.layer = torch.nn.Linear(2, 2)

    Net()


@case("model", "input_validation", remedy="forward")
def module_without_forward(world):
    import torch

    torch.nn.Module()(torch.zeros(1))


@case("input_validation", "model", remedy="argument|signature|pass|forward")
def forward_without_its_argument(world):
    import torch

    torch.nn.Linear(2, 2)()


@case("memory", severity="critical", remedy="ram|batch|smaller|memory")
def allocation_that_no_machine_has(world):
    import torch

    torch.empty(2**50, dtype=torch.uint8)


@case("dependency", "system", remedy="driver|cuda|cpu")
def cuda_where_there_is_none(world):
    import torch

    if torch.cuda.is_available():
        raise UnavailableError("this machine has CUDA")
    torch.zeros(1).cuda()


@case("input_validation", "model system", remedy="cuda|device")
def device_with_a_wrong_name(world):
    import torch

    torch.zeros(1, device="gpu")


@case("inference", "model loss training data input_validation", remedy="nan|temperature|float32|bfloat16")
def sampling_from_nan(world):
    import torch

    torch.multinomial(torch.tensor([float("nan"), 1.0]), 1)


@case("loss", "training model input_validation data gradient", remedy="nan|learning rate|diverg|finite")
def distribution_of_nan(world):
    import torch

    logits = torch.tensor([float("nan"), 1.0])
    torch.distributions.Categorical(logits=logits, validate_args=True)  # others may have switched it off
