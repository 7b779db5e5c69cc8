"""Make the project's virtual environment and install what a make target needs: `python scripts/make_venv.py demo`.

Standard library only, and old syntax on purpose: it runs under whatever Python the user calls, before anything is
installed. A PyTorch that this Python can import is reused through a .pth file instead of being downloaded again.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints" / "constraints.txt"
TARGETS = {
    "demo": ["--editable", ".[demo]"],
    "check": ["--editable", ".[demo]", "--group", "dev", "--group", "stack", "--group", "provoke", "--group", "serve"],
}
TORCH_GB = {"linux": 13}
"""Free space that installing PyTorch takes, by platform: 6.5 GB in the environment, and twice 3 GB of downloads that
pip unpacks and keeps. Elsewhere it is below 1."""
TORCH_SIZE = "about 3 GB to download and 6 GB on disk on Linux (it carries CUDA), about 0.3 GB elsewhere"
OLDEST_TORCH = (2, 4)


def main() -> int:
    """Make or update the environment; do nothing when it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--venv", default=str(ROOT / ".venv"))
    options = parser.parse_args()
    if sys.version_info < (3, 10):
        print(
            f"otel-mldebug needs Python 3.10 or newer; {sys.executable} is {sys.version.split()[0]}. "
            "Try: make PYTHON=python3.11 …",
            file=sys.stderr,
        )
        return 2
    venv = Path(options.venv)
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = venv / f"installed-{options.target}.txt"
    wanted = _fingerprint()
    if python.exists() and any(
        (venv / f"installed-{target}.txt").is_file() and (venv / f"installed-{target}.txt").read_text() == wanted
        for target in (options.target, "check")
    ):
        return 0
    if not python.exists():
        print(f"making {venv} with Python {sys.version.split()[0]}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    _reuse_torch(venv, python)
    _install(python, options.target)
    stamp.write_text(wanted)
    return 0


def _fingerprint() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in (ROOT / "pyproject.toml", CONSTRAINTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _reuse_torch(venv: Path, python: Path) -> None:
    """Let the environment see a PyTorch that the calling Python has, or say what installing one will take."""
    if subprocess.run([str(python), "-c", "import torch"], capture_output=True).returncode == 0:
        return
    code = "import pathlib, torch; print(torch.__version__); print(pathlib.Path(torch.__file__).parents[1])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    lines = found.stdout.split("\n")
    if found.returncode == 0 and tuple(int(part) for part in lines[0].split(".")[:2]) >= OLDEST_TORCH:
        site = sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)})
        (Path(site) / "reused_torch.pth").write_text(lines[1] + "\n")
        print(f"reusing PyTorch {lines[0]} of {sys.executable}", flush=True)
    else:
        print(f"installing PyTorch: {TORCH_SIZE}. To reuse one you have: make PYTHON=/path/to/its/python …", flush=True)
        free, wanted = shutil.disk_usage(venv).free / 1e9, TORCH_GB.get(sys.platform, 1)
        if free < wanted:
            print(
                f"warning: {venv} has {free:.1f} GB free; this may take {wanted} GB in all. If it ends with "
                '"No space left on device": free some (pip cache purge), or reuse a PyTorch.',
                file=sys.stderr,
                flush=True,
            )


def _install(python: Path, target: str) -> None:
    """Install with pip, showing its progress."""
    started = time.monotonic()
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--upgrade", "pip>=25.1"], check=True, cwd=ROOT)
    progress = [] if sys.stdout.isatty() else ["--progress-bar", "off"]
    command = [*pip, "install", *progress, "--constraint", str(CONSTRAINTS), *TARGETS[target]]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace")
    assert process.stdout is not None
    for line in process.stdout:
        if line.lstrip().startswith(("Downloading", "Installing collected", "Building")):
            print("  " + line.strip()[:110], flush=True)
    if code := process.wait():
        print(f"pip failed with exit code {code}: {' '.join(command)}", file=sys.stderr)
        sys.exit(code)
    print(f"installed in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
