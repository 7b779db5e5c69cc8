"""The entries about data loading, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    (
        "dataloader.shared_memory",
        "RuntimeError",
        "DataLoader worker (pid 8) is killed by signal: Bus error. It is possible that "
        "dataloader's workers are out of shared memory.",
    ),
    ("dataloader.worker_exception", "KeyError", "Caught KeyError in DataLoader worker process 2."),
    ("dataloader.collate_sizes", "RuntimeError", "each element in list of batch should be of equal size"),
    ("dataloader.arguments", "ValueError", "num_samples should be a positive integer value, but got num_samples=0"),
    ("dataloader.ended", "StopIteration", ""),
    ("dataloader.dataset_item", "TypeError", "pic should be PIL Image or ndarray. Got <class 'torch.Tensor'>"),
    ("dataloader.pool_died", "RuntimeError", "One or more background workers are no longer alive. Exiting."),
]
OTHERS = [
    ("dataloader.worker_died", "RuntimeError", "DataLoader worker (pid(s) 11) exited unexpectedly"),
    ("files.too_many_open", "RuntimeError", "received 0 items of ancdata"),
    (
        "shape.concatenate",
        "RuntimeError",
        "Sizes of tensors must match except in dimension 2. Expected size 3 but got size 4 for "
        "tensor number 1 in the list.",
    ),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("dataloader.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
