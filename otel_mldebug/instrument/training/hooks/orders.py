"""In which order a DataLoader goes through its samples, as far as two of them have to be told apart."""

from typing import Any

LEAST_SAMPLES = 8
"""Samples of which two random orders hardly ever are the same."""


def order_of(torch: Any, loader: Any) -> tuple[int, int | None]:
    """Return how many samples a loader has, and a number that is another one for another order.

    It is 0 for the order in which they are, and tells the state of the generator that the sampler is going to draw a
    random one from. Two loaders may draw the same one on purpose, from generators with the same seed. Of other samplers
    nothing is known: they may draw what they like.
    """
    data = torch.utils.data
    sampler: Any = getattr(loader, "sampler", None)
    kind = type(sampler)
    if kind not in (data.RandomSampler, data.SequentialSampler) or type(loader.batch_sampler) is not data.BatchSampler:
        return 0, None
    samples = len(loader.dataset)
    if samples < LEAST_SAMPLES:
        return 0, None
    if kind is data.SequentialSampler:
        return samples, 0
    if sampler.replacement or len(sampler) != samples:
        return samples, None
    generator = sampler.generator if sampler.generator is not None else torch.default_generator
    if generator.device.type != "cpu":
        return samples, None
    return samples, hash(generator.get_state().numpy().tobytes()) or 1
