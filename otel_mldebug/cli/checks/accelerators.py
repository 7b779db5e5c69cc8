"""PyTorch and the GPUs: what is installed and what the driver says. PyTorch is imported only in another process."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from otel_mldebug.cli.checks.check import FAIL, OK, WARN, Check
from otel_mldebug.cli.checks.versions import OLDEST_TORCH, version_of

_ASK_TORCH = """
import json, torch
print(json.dumps({
    "available": torch.cuda.is_available(),
    "devices": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
    "cudnn": torch.backends.cudnn.version(),
}))
"""


def check(*, deep: bool) -> Iterator[Check]:
    """Yield what is known of PyTorch and the GPUs; `deep` imports PyTorch in another process, at most 60 s."""
    gpus = nvml()
    yield torch(version_of("torch"), _build_facts(), has_gpu=gpus.status == OK and "GPU" in gpus.detail)
    yield gpus
    if deep:
        yield cuda_by_import()


def torch(version: str, facts: dict[str, str], *, has_gpu: bool) -> Check:
    """Judge the installed PyTorch.

    Args:
        version: Its version; empty when it is not installed.
        facts: What it was built for: `cuda`, `cudnn`, `hip`, where known.
        has_gpu: Whether there is an NVIDIA GPU.
    """
    if not version:
        return Check("torch", WARN, "not installed: training is not watched", "pip install 'otel-mldebug[torch]'")
    built = ", ".join(f"{name} {value}" for name, value in facts.items()) or "for the CPU"
    detail = f"{version}, built {'with ' if facts else ''}{built}"
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST_TORCH:
        return Check("torch", WARN, detail, f"Training is watched from PyTorch {OLDEST_TORCH[0]}.{OLDEST_TORCH[1]} on.")
    if has_gpu and not facts:
        return Check(
            "torch",
            WARN,
            f"{detail}, while there is an NVIDIA GPU",
            "Install a CUDA build: https://pytorch.org/get-started",
        )
    return Check("torch", OK, detail)


def nvml(load: Callable[[], Any] | None = None) -> Check:
    """Ask the NVIDIA driver for its version and its GPUs; observe only, no mode is set."""
    try:
        library = load() if load else __import__("pynvml")
    except ImportError:
        return Check("nvml", WARN, "nvidia-ml-py is not installed: no GPU metrics", "pip install nvidia-ml-py")
    try:
        library.nvmlInit()
    except library.NVMLError as exc:
        return Check("nvml", OK, f"no NVIDIA driver ({exc}): GPU metrics are absent")
    try:
        names = [
            library.nvmlDeviceGetName(library.nvmlDeviceGetHandleByIndex(index))
            for index in range(library.nvmlDeviceGetCount())
        ]
        driver = library.nvmlSystemGetDriverVersion()
    except library.NVMLError as exc:
        return Check("nvml", WARN, f"the driver does not answer: {exc}", "See whether nvidia-smi works.")
    finally:
        library.nvmlShutdown()
    return Check(
        "nvml", OK, f"driver {driver}, {len(names)} GPU{'s' * (len(names) != 1)}: {', '.join(names) or 'none'}"
    )


def cuda_by_import(python: str = sys.executable, *, limit_s: float = 60.0) -> Check:
    """Ask PyTorch itself, in another process, what it can use."""
    try:
        done = subprocess.run([python, "-c", _ASK_TORCH], capture_output=True, text=True, timeout=limit_s, check=False)
        facts = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Check(
            "cuda",
            FAIL,
            f"importing torch took more than {limit_s:.0f} s",
            "Try: python -X importtime -c 'import torch'",
        )
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Check("cuda", FAIL, f"importing torch failed: {last}", "Run: python -c 'import torch'")
    if not facts["available"]:
        return Check("cuda", OK, "PyTorch sees no CUDA device")
    return Check("cuda", OK, f"{', '.join(facts['devices'])}; cuDNN {facts['cudnn']}")


def _build_facts() -> dict[str, str]:
    """Read from `torch/version.py`, without executing it, what PyTorch was built for."""
    try:
        files = metadata.files("torch") or ()
        path = next((file.locate() for file in files if str(file) == "torch/version.py"), None)
        text = Path(str(path)).read_text(encoding="utf-8") if path else ""
    except (metadata.PackageNotFoundError, OSError):
        return {}
    found: dict[str, str] = dict(re.findall(r"^(cuda|hip)\s*(?::[^=\n]*)?=\s*'([^']+)'", text, re.MULTILINE))
    facts = {name: found[key] for key, name in (("cuda", "CUDA"), ("hip", "ROCm")) if key in found}
    if "CUDA" in facts:
        cudnn = [each for each in metadata.distributions() if (each.name or "").startswith("nvidia-cudnn-cu")]
        facts.update({"cuDNN": cudnn[0].version} if cudnn else {})
    return facts
