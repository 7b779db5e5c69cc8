"""Which rank this process is: by its launcher's variables, else by the process group that it has joined."""

from collections.abc import Mapping
from typing import Any

from otel_mldebug._optional import loaded

RANKS = (("RANK", "LOCAL_RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_NTASKS"))
"""Variables that hold rank, local rank and world size: torchrun's and accelerate's, then Slurm's."""


def ranks(environ: Mapping[str, str]) -> tuple[int | None, int | None, int | None]:
    """Return global rank, local rank and world size; None for what is not told, or is no number."""
    for variables in RANKS:
        if variables[0] in environ:
            rank, local_rank, world_size = (_number(environ.get(variable, "")) for variable in variables)
            return rank, local_rank, world_size
    return None, None, None


def launch(environ: Mapping[str, str]) -> str:
    """Return the id of the launch that has started this very command once for each rank; empty where none has.

    In Slurm that is a step with several tasks: what a batch script or a shell in a job starts has the job's id, too.
    """
    elastic = environ.get("TORCHELASTIC_RUN_ID", "").strip()
    if elastic and elastic != "none" and "RANK" in environ:  # "none": torchrun's default, which says nothing
        return f"torchrun-{elastic}"
    job, step = (environ.get(name, "").strip() for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    tasks = _number(environ.get("SLURM_NTASKS", ""))
    return f"slurm-{job}.{step}" if job and step and "SLURM_PROCID" in environ and tasks and tasks > 1 else ""


def group() -> tuple[int, int, str] | None:
    """Return rank, world size and backend in PyTorch's default process group; None as long as there is none."""
    distributed: Any = loaded("torch.distributed")
    try:
        if distributed is None or not distributed.is_available() or not distributed.is_initialized():
            return None
        return int(distributed.get_rank()), int(distributed.get_world_size()), str(distributed.get_backend())
    except Exception:  # noqa: BLE001  (half imported, or being taken down)
        return None


def hosts(environ: Mapping[str, str], world_size: int) -> int:
    """Return on how many hosts the ranks run, as far as the launcher tells; 1 when it does not."""
    nodes = _number(environ.get("SLURM_NNODES", "")) if "LOCAL_WORLD_SIZE" not in environ else None
    if nodes is not None:
        return max(1, nodes)
    here = _number(environ.get("LOCAL_WORLD_SIZE", ""))
    return max(1, -(-world_size // here)) if here else 1


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None
