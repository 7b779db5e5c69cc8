"""What an optimizer's model needs of which GPU, and what its schedule aims for: what is known once, from the start."""

import math
from typing import Any, NamedTuple


class Needs(NamedTuple):
    """What is known once.

    Attributes:
        parameters: Elements that are trained.
        device: Name of the GPU.
        dtype: Of the parameters: `bfloat16`.
    """

    parameters: int
    device: str
    dtype: str


def needs(torch: Any, optimizer: Any) -> Needs | None:
    """Return what the model of an optimizer needs; None where it is not on one kind of GPU, or not known as a whole.

    Args:
        torch: The module.
        optimizer: Whose parameters are taken to be the model.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if not parameters or any(p.device.type != "cuda" for p in parameters):
        return None
    dtypes = {str(p.dtype).rpartition(".")[2] for p in parameters}
    names = {str(torch.cuda.get_device_name(device)) for device in {p.device for p in parameters}}
    if len(dtypes) > 1 or len(names) > 1 or any(type(p).__name__ == "FlatParameter" for p in parameters):
        return None  # of a flat parameter each rank has only a part
    return Needs(sum(int(p.numel()) for p in parameters), names.pop(), dtypes.pop())


def aim(optimizer: Any) -> float | None:
    """Return the learning rate that the first group's schedule rises to or starts out from; None without a schedule.

    Those of `torch.optim.lr_scheduler` note it in the group when they are made: `initial_lr` is what their factors are
    of, and `max_lr` the top of a cycle.
    """
    group = optimizer.param_groups[0]
    rate = group.get("max_lr", group.get("initial_lr"))
    return float(rate) if isinstance(rate, (int, float)) and 0 < rate < math.inf else None
