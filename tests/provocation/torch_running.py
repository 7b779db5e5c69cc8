"""Distributed training, compiling and exporting with PyTorch."""

import datetime
from contextlib import contextmanager

from tests.provocation.case import Table, UnavailableError

case = Table("torch")


@contextmanager
def _group():
    """A process group of this process alone."""
    import torch.distributed as dist

    if not dist.is_available():
        raise UnavailableError("PyTorch without torch.distributed")
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        yield dist
    finally:
        dist.destroy_process_group()


@case("distributed", "input_validation", remedy="torchrun|rank|master_addr")
def group_without_its_environment(world):
    import torch.distributed as dist

    dist.init_process_group("gloo")


@case("distributed", remedy="init_process_group")
def rank_before_there_is_a_group(world):
    import torch.distributed as dist

    dist.get_rank()
    dist.barrier()


@case("distributed", remedy="once|is_initialized|destroy_process_group|twice")
def group_made_twice(world):
    with _group() as dist:
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)


@case("distributed", "input_validation dependency", remedy="nccl|gloo|backend")
def backend_with_a_wrong_name(world):
    import torch.distributed as dist

    dist.init_process_group("gloo2", store=dist.HashStore(), rank=0, world_size=1)


@case("distributed", "dependency system", remedy="gloo|gpu|cuda")
def nccl_without_a_gpu(world):
    import torch
    import torch.distributed as dist

    if torch.cuda.is_available():
        raise UnavailableError("this machine has CUDA")
    dist.init_process_group("nccl", store=dist.HashStore(), rank=0, world_size=1)


@case("distributed", "timeout network", severity="critical", retryable=True, remedy="master|port|rank|firewall")
def store_that_nobody_serves(world):
    import torch.distributed as dist

    timeout = datetime.timedelta(milliseconds=300)
    dist.TCPStore("127.0.0.1", world.closed_port, is_master=False, timeout=timeout)


@case("timeout", "distributed", severity="critical", retryable=True, remedy="rank|timeout|straggler|store")
def store_in_which_the_others_never_appear(world):
    import torch.distributed as dist

    store = dist.TCPStore("127.0.0.1", 0, 1, is_master=True, timeout=datetime.timedelta(milliseconds=300))
    store.get("rank 1")


@case("distributed", "network system", retryable=True, remedy="port")
def store_at_a_port_that_is_taken(world):
    import torch.distributed as dist

    dist.TCPStore("127.0.0.1", world.port, 1, is_master=True, timeout=datetime.timedelta(seconds=1))


@case("distributed", "input_validation", remedy="world_size|number of ranks|world size|ranks")
def gather_into_a_list_of_another_length(world):
    import torch

    with _group() as dist:
        dist.all_gather([torch.zeros(1), torch.zeros(1)], torch.zeros(1))


@case("distributed", "input_validation", remedy="rank|world")
def broadcast_from_a_rank_that_is_not_there(world):
    import torch

    with _group() as dist:
        dist.broadcast(torch.zeros(1), src=7)


@case("distributed", "gradient training", remedy="requires_grad|frozen")
def parallel_model_that_is_frozen(world):
    import torch

    with _group():
        torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 2).requires_grad_(False))


@case("model", "dependency training", remedy="fullgraph|graph break|torch._dynamo|disable")
def compiled_branch_on_data(world):
    import torch

    @torch.compile(fullgraph=True, backend="eager")
    def step(x):
        return x + 1 if x.sum() > 0 else x

    step(torch.ones(2))


@case("input_validation", "dependency model training inference", remedy="list_backends|inductor|backend")
def compiler_with_a_wrong_name(world):
    import torch

    torch.compile(torch.nn.Linear(2, 2), backend="fastest")(torch.ones(2))


@case("model", "inference dependency", remedy="export|torch.cond|static|control flow|data-dependent|graph")
def exported_branch_on_data(world):
    import torch

    class Net(torch.nn.Module):
        def forward(self, x):
            return x + 1 if x.sum() > 0 else x

    torch.export.export(Net(), (torch.ones(2),))


@case("dependency", "model inference", remedy="install|onnx")
def onnx_without_its_package(world):
    import importlib.util

    import torch

    if importlib.util.find_spec("onnxscript") is not None:
        raise UnavailableError("onnxscript is installed")
    torch.onnx.export(torch.nn.Linear(2, 2), (torch.ones(2),), str(world.tmp / "model.onnx"))


@case("model", "inference input_validation", remedy="script|trace|annotat|torch.compile|export")
def script_of_what_it_does_not_support(world):
    import torch

    def step(x):
        try:
            return x
        finally:
            pass

    torch.jit.script(step)


@case("model", "training gradient", remedy="torch.where|vmap|torch.func|item")
def branch_on_data_under_vmap(world):
    import torch

    torch.func.vmap(lambda x: x if x > 0 else -x)(torch.ones(3))
