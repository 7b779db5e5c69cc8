"""The entries about process groups, launchers and sharding, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    (
        "distributed.not_initialized",
        "ValueError",
        "Default process group has not been initialized, please make sure to call init_process_group.",
    ),
    (
        "distributed.rendezvous",
        "torch.distributed.DistStoreError",
        "Timed out after 601 seconds waiting for clients. 1/4 clients joined.",
    ),
    (
        "distributed.environment",
        "ValueError",
        "Error initializing torch.distributed using env:// rendezvous: environment variable "
        "WORLD_SIZE expected, but not set",
    ),
    (
        "distributed.port_in_use",
        "ConnectionError",
        "Tried to launch distributed communication on port `29511`, but another process is utilizing it.",
    ),
    (
        "distributed.nccl",
        "torch.distributed.DistBackendError",
        "NCCL error in: ../torch/csrc/distributed/c10d/NCCLUtils.hpp:219, invalid usage, NCCL version 2.18.1",
    ),
    (
        "distributed.collective_timeout",
        "RuntimeError",
        "[Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=44, "
        "OpType=BROADCAST, Timeout(ms)=1800000) ran for 1800411 milliseconds before timing "
        "out.",
    ),
    (
        "distributed.gloo",
        "RuntimeError",
        "[../third_party/gloo/gloo/transport/tcp/pair.cc:598] Connection closed by peer [10.0.0.7]:20311",
    ),
    (
        "distributed.child_failed",
        "torch.distributed.elastic.multiprocessing.errors.ChildFailedError",
        "train.py FAILED Root Cause (first observed failure): exitcode : 1 (pid: 99)",
    ),
    (
        "ddp.unused_parameters",
        "RuntimeError",
        "Expected to have finished reduction in the prior iteration before starting a new one.",
    ),
    ("ddp.ready_once", "RuntimeError", "Expected to mark a variable ready only once."),
    (
        "ddp.replicas",
        "RuntimeError",
        "DDP expects same model across all ranks, but Rank 0 has 88 params, while rank 1 has inconsistent 80 params.",
    ),
    ("fsdp.config", "ValueError", "Must flatten tensors with uniform `requires_grad` when `use_orig_params=False`"),
    (
        "deepspeed.config",
        "AssertionError",
        "Check batch related parameters. train_batch_size is not equal to micro_batch_per_gpu "
        "* gradient_acc_step * world_size 32 != 4 * 1 * 2",
    ),
    (
        "distributed.parallel_config",
        "ValueError",
        "Total number of attention heads (28) must be divisible by tensor parallel size (3).",
    ),
    (
        "process.bootstrap",
        "RuntimeError",
        "An attempt has been made to start a new process before the current process has "
        "finished its bootstrapping phase.",
    ),
    ("distributed.collective_arguments", "ValueError", "Tensors must be contiguous"),
    ("process.share_tensor", "ValueError", "bad value(s) in fds_to_keep"),
    ("distributed.structure", "RuntimeError", "No rank in the process group answers"),
    ("distributed.rendezvous_closed", "torch.distributed.elastic.rendezvous.api.RendezvousClosedError", ""),
    ("deepspeed.config", "AssertionError", "bfloat16 mode is only enabled for Zero 1,2,3 currently. got 0"),
    ("deepspeed.config", "AssertionError", "bfloat16 and fp16 modes cannot be simultaneously enabled"),
]
OTHERS = [
    ("connection.refused", "ConnectionRefusedError", "[Errno 111] Connection refused"),
    ("distributed.rendezvous", "RendezvousConnectionError", "The connection to the C10d store has failed."),
    ("structure.not_supported", "ValueError", "dark mode is only enabled for zero users currently, and not supported"),
    ("timeout.exceeded", "TimeoutError", "timed out"),
    ("dataloader.worker_died", "RuntimeError", "DataLoader worker (pid 81) is killed by signal: Killed."),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("distributed.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
