"""Checkpoints, data sets and data loaders of PyTorch."""

import os
import signal

from tests.provocation.case import Table, UnavailableError

case = Table("torch")


@case("model_loading", remedy="architecture|strict|prefix|checkpoint")
def state_of_another_architecture(world):
    import torch

    torch.nn.Linear(2, 2).load_state_dict({"module.weight": torch.zeros(2, 2), "module.bias": torch.zeros(2)})


@case("model_loading", "model", remedy="architecture|config|num_classes|size|checkpoint")
def state_of_another_size(world):
    import torch

    torch.nn.Linear(2, 2).load_state_dict(torch.nn.Linear(2, 3).state_dict())


@case("model_loading", remedy="state_dict|torch.load|path")
def state_that_is_a_path(world):
    import torch

    torch.nn.Linear(2, 2).load_state_dict("model.pt")


@case("model_loading", "data", remedy="corrupt|download|lfs|truncated")
def checkpoint_of_garbage(world):
    import torch

    torch.load(world.file("model.pt", b"<!DOCTYPE html><html></html>" * 9))


@case("model_loading", "data", remedy="lfs|download")
def checkpoint_that_is_a_pointer(world):
    import torch

    torch.load(world.file("model.pt", b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 99\n"))


@case("model_loading", "data", remedy="corrupt|download|truncated|incomplete")
def checkpoint_cut_short(world):
    import torch

    whole = world.tmp / "whole.pt"
    torch.save(torch.nn.Linear(8, 8).state_dict(), whole)
    torch.load(world.file("model.pt", whole.read_bytes()[:-200]))


@case("model_loading", "data", remedy="empty|truncated|corrupt|0 bytes|incomplete")
def checkpoint_that_is_empty(world):
    import torch

    torch.load(world.file("model.pt"))


@case("model_loading", "dependency", remedy="weights_only")
def checkpoint_with_a_class(world):
    import torch

    path = world.tmp / "model.pt"
    torch.save(torch.nn.Linear(2, 2), path)
    torch.load(path, weights_only=True)


@case("model_loading", "dependency system", remedy="map_location")
def checkpoint_of_another_device(world):
    import torch

    if torch.cuda.is_available():
        raise UnavailableError("this machine has CUDA")
    path = world.tmp / "model.pt"
    saved, torch.serialization.location_tag = torch.serialization.location_tag, lambda storage: "cuda:0"
    try:
        torch.save(torch.zeros(2), path)
    finally:
        torch.serialization.location_tag = saved
    torch.load(path)


@case("system", "model_loading data", remedy="path|exist|directory")
def checkpoint_that_is_missing(world):
    import torch

    torch.load(world.tmp / "absent.pt")


@case("system", "model_loading", remedy="mkdir|makedirs|create|directory")
def checkpoint_into_a_missing_directory(world):
    import torch

    torch.save(torch.zeros(2), world.tmp / "absent" / "model.pt")


@case("system", "model_loading", severity="critical", remedy="disk|space")
def checkpoint_onto_a_full_disk(world):
    import torch

    if not os.path.exists("/dev/full"):  # noqa: PTH110  (a device, not a path of ours)
        raise UnavailableError("there is no /dev/full")
    torch.save(torch.zeros(2**16), "/dev/full")


@case("model_loading", "dependency", remedy="torch.jit|torch.load|script|corrupt|download")
def script_of_garbage(world):
    import torch

    torch.jit.load(world.file("model.pt", b"garbage" * 99))


def _loader(items, **options):
    import torch

    return list(torch.utils.data.DataLoader(items, **options))


@case("data", remedy="collate|pad|resize")
def samples_of_different_sizes(world):
    import torch

    _loader([torch.zeros(3), torch.zeros(4)], batch_size=2)


@case("data", remedy="collate|tensor|none")
def samples_that_are_none(world):
    _loader([None, None], batch_size=2)


@case("data", remedy="path|empty|exist|data set|dataset")
def shuffled_data_set_that_is_empty(world):
    _loader([], shuffle=True)


@case("data", "input_validation system", remedy="num_workers")
def negative_number_of_workers(world):
    _loader([1], num_workers=-1)


@case("data", "input_validation", remedy="batch_sampler|batch_size|shuffle")
def batch_sampler_and_batch_size(world):
    _loader([1], batch_sampler=[[0]], batch_size=2)


@case("data", "input_validation", remedy="num_workers|prefetch_factor")
def prefetching_without_workers(world):
    _loader([1], prefetch_factor=2)


class _Broken:
    def __len__(self):
        return 4

    def __getitem__(self, place):
        return {"image": 1}["label"]


class _Killed(_Broken):
    def __getitem__(self, place):
        os.kill(os.getpid(), signal.SIGKILL)


class _Slow(_Broken):
    def __getitem__(self, place):
        signal.pause()


@case("data", remedy="num_workers=0|__getitem__|key|column")
def key_missing_in_a_worker(world):
    _loader(_Broken(), num_workers=1, multiprocessing_context="fork")


@case("system", "data memory", severity="critical", remedy="num_workers|memory|shm")
def worker_that_is_killed(world):
    _loader(_Killed(), num_workers=1, multiprocessing_context="fork")


@case("timeout", "data", severity="warning", retryable=True, remedy="timeout|worker|slow")
def worker_that_is_too_slow(world):
    _loader(_Slow(), num_workers=1, multiprocessing_context="fork", timeout=0.2)


@case("system", "data distributed training", remedy="lambda|pickle|top level|module level")
def lambda_for_a_spawned_process(world):
    import torch.multiprocessing as mp

    mp.get_context("spawn").Process(target=lambda: 1).start()


@case("data", "input_validation", remedy="length|sum|split")
def split_that_does_not_add_up(world):
    import torch

    torch.utils.data.random_split([1, 2, 3], [1, 1])


@case("data", "input_validation", remedy="length|first dimension|same|size")
def tensors_of_different_lengths(world):
    import torch

    torch.utils.data.TensorDataset(torch.zeros(3), torch.zeros(4))


@case("data", "input_validation model", remedy="pad|length|ragged")
def tensor_of_ragged_lists(world):
    import torch

    torch.tensor([[1, 2], [1, 2, 3]])


@case("data", "input_validation", remedy="encode|token|number|string")
def tensor_of_words(world):
    import torch

    torch.tensor(["a cat"])


@case("data", "input_validation", remedy="dtype|object|numeric|astype", needs="numpy")
def tensor_of_objects(world):
    import numpy as np
    import torch

    torch.from_numpy(np.array([None, 1]))


@case("data", "model input_validation", remedy="length|empty|0")
def packed_sequence_of_length_zero(world):
    import torch

    torch.nn.utils.rnn.pack_padded_sequence(torch.zeros(3, 2, 4), torch.tensor([3, 0]))
