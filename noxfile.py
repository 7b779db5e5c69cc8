"""The versions we support, each in an environment of its own: `make test-matrix`, `make test-versions`."""

import nox

nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True

WITHOUT_TORCH = ["tests", "-q", "-m", "not torch and not stack", "-p", "no:cacheprovider"]
OLDEST_TORCH, NEWEST_TORCH = "2.4", "2.15"


def _install(session: nox.Session, *packages: str, constraints: str = "constraints/constraints.txt") -> None:
    session.install("--quiet", "pip>=25.1")
    session.run(
        *("python", "-m", "pip", "install", "--quiet", "--constraint", constraints),
        *("--editable", ".", "--group", "test", *packages),
    )


@nox.session(python=["3.10", "3.12", "3.13"])
def matrix(session: nox.Session) -> None:
    """Run the tests that need neither PyTorch nor the real collector, on every other Python."""
    _install(session)
    session.run("python", "-m", "pytest", *WITHOUT_TORCH, *session.posargs)


@nox.session(python="3.10")
def oldest(session: nox.Session) -> None:
    """Run them on the oldest OpenTelemetry SDK that pyproject.toml allows."""
    _install(session, constraints="constraints/oldest.txt")
    session.run("python", "-m", "pytest", *WITHOUT_TORCH, *session.posargs)


@nox.session(python="3.11")
@nox.parametrize("torch", [OLDEST_TORCH, NEWEST_TORCH])
def torch(session: nox.Session, torch: str) -> None:
    """Run the tests that need PyTorch on one version of it."""
    numpy = "numpy<2" if torch == OLDEST_TORCH else "numpy"
    _install(session, f"torch=={torch}.*", numpy, "scikit-learn", constraints="constraints/none.txt")
    session.run("python", "-m", "pytest", "tests", "-q", "-m", "torch and not stack", *session.posargs)
