"""What a program of the suite is: a script whose header says which finding would be right.

    # /// diagnosis
    # fault = "the gradients are never zeroed"
    # rules = ["gradient.accumulated"]
    # words = ["zero_grad|never (zeroed|cleared)"]
    # within = 100
    # ///

The header is TOML between two marks, as in inline script metadata. Every field has a default.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROGRAMS = Path(__file__).parent / "programs"
_HEADER = re.compile(r"^# /// diagnosis\n((?:#.*\n)*?)# ///$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A script of the suite.

    Attributes:
        path: The script; its folder says whether it is `faulty` or `healthy`.
        fault: What is wrong, in a person's words; empty for a healthy one.
        rules: Beginnings of the ids of rules that would be right.
        words: Regular expressions; a finding in which each is found (in rule, summary or cause) is right, too.
        consequences: Beginnings of the ids of rules that are no false alarms, because the fault causes that, too.
        step: First step that is affected, 0 or more; a finding may name one step less, for counting differs.
        within: Steps after `step` within which the finding must lie.
        fast: Whether it belongs to the subset that is run as a test.
        needs: Modules without which it cannot run.
        ranks: Processes it is started with by torchrun; 0 for a plain Python.
        options: Further arguments.
    """

    path: Path
    fault: str = ""
    rules: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    consequences: tuple[str, ...] = ()
    step: int = 0
    within: int = 200
    fast: bool = False
    needs: tuple[str, ...] = ()
    ranks: int = 0
    options: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """Return the name that `--only` takes, such as `faulty/dead_relu`."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def faulty(self) -> bool:
        """Return whether something is wrong with it."""
        return self.path.parent.name == "faulty"

    def command(self, seed: int) -> list[str]:
        """Return what a user would type."""
        launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(self.ranks)] if self.ranks else []
        return [sys.executable, *launcher, str(self.path), "--seed", str(seed), *self.options]


def parse(path: Path, text: str) -> Program:
    """Return the program at `path` from its `text`.

    Raises:
        ValueError: A faulty one without a header, or a field that there is not; the message names the file.
    """
    found = _HEADER.search(text)
    header = "" if found is None else re.sub(r"^# ?", "", found[1], flags=re.MULTILINE)
    row: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in tomllib.loads(header).items()}
    if unknown := row.keys() - {field.name for field in fields(Program)}:
        raise ValueError(f"{path}: no field of a program is called {', '.join(sorted(unknown))}.")
    program = Program(path=path, **row)
    if program.faulty and not (program.fault and (program.rules or program.words)):
        raise ValueError(f"{path}: a faulty program needs a header with `fault`, and `rules` or `words`.")
    return program


def programs(*, only: tuple[str, ...] = (), fast: bool = False, folder: Path = PROGRAMS) -> list[Program]:
    """Return the programs that can run here, faulty ones first.

    Args:
        only: Names, or parts of names, of those that are wanted; empty for all.
        fast: Only the subset that is run as a test.
        folder: Where they are.
    """
    return [
        program
        for program in _all(folder)
        if (not only or any(part in program.name for part in only))
        and (program.fast or not fast)
        and all(find_spec(module) for module in program.needs)
    ]


def _all(folder: Path) -> Iterator[Program]:
    for path in sorted(folder.glob("*/*.py")):
        yield parse(path, path.read_text(encoding="utf-8"))
