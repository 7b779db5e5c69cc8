"""The operating system, imports, and Python itself."""

import os
import sys
from pathlib import Path

from tests.provocation.case import Table, UnavailableError

case = Table()
POSIX = os.name == "posix"


def _posix() -> None:
    if not POSIX:
        raise UnavailableError("not a POSIX system")


@case("system", "data", remedy="path|exist|directory")
def file_that_is_missing(world):
    (world.tmp / "absent.txt").read_text()


@case("system", "data", remedy="path|directory|exist|mkdir|create")
def file_into_a_missing_directory(world):
    (world.tmp / "absent" / "x.txt").write_text("x")


@case("system", "input_validation data", remedy="directory|file|path")
def directory_read_as_a_file(world):
    _posix()
    world.tmp.read_bytes()


@case("system", "input_validation data", remedy="directory|file|path")
def file_used_as_a_directory(world):
    _posix()
    (Path(world.file("x")) / "y").read_bytes()


@case("system", "input_validation", remedy="exist_ok|exist|remove|another name|overwrite")
def directory_that_is_there(world):
    world.tmp.mkdir()


@case("system", "", remedy="empty|rmtree|remove")
def directory_that_is_not_empty(world):
    world.file("x")
    world.tmp.rmdir()


@case("system", "input_validation data", remedy="short|name|long|path")
def name_that_is_too_long(world):
    _posix()
    (world.tmp / ("x" * 300)).write_text("x")


@case("system", "data", remedy="link")
def links_that_go_round(world):
    _posix()
    (world.tmp / "a").symlink_to(world.tmp / "b")
    (world.tmp / "b").symlink_to(world.tmp / "a")
    (world.tmp / "a").read_bytes()


@case("system", severity="critical", remedy="disk|space|free|quota")
def disk_that_is_full(world):
    if not Path("/dev/full").exists():
        raise UnavailableError("there is no /dev/full")
    Path("/dev/full").write_bytes(b"x")


@case("system", "data", remedy="ulimit|close|limit|nofile")
def files_that_are_too_many(world):
    _posix()
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/dev/fd"))  # noqa: PTH208  (numbers, not paths)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 8, hard))
    opened = []
    try:
        while True:
            opened.append(open(os.devnull))  # noqa: PTH123, SIM115  (closed below)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for file in opened:
            file.close()


@case("system", "data", severity="critical", retryable=True, remedy="process|closed|reader|pipe")
def pipe_that_nobody_reads(world):
    _posix()
    read, write = os.pipe()
    os.close(read)
    try:
        os.write(write, b"x")
    finally:
        os.close(write)


@case("system", "data unknown", remedy="close|open")
def file_that_is_closed(world):
    with open(os.devnull) as file:  # noqa: PTH123  (no path of ours)
        pass
    file.read()


@case("system", "input_validation data", remedy="mode|open|writ|read")
def file_opened_for_reading_is_written(world):
    with open(world.file("x")) as file:  # noqa: PTH123
        file.write("x")


@case("memory", severity="critical", remedy="ram|memory|smaller|batch|chunk")
def bytes_that_no_machine_has(world):
    bytearray(2**62)


@case("system", "model data input_validation unknown", remedy="recursion|base case|setrecursionlimit|cycl|itself")
def recursion_without_end(world):
    recursion_without_end(world)


@case("dependency", remedy="install|pip|environment")
def module_that_is_not_installed(world):
    import flash_attention_of_the_future  # noqa: F401


@case("dependency", remedy="version|upgrade|circular|install|spelling")
def name_that_the_module_has_not(world):
    from collections import Counters  # noqa: F401


@case("dependency", "unknown", remedy="version|upgrade|spelling|shadow|downgrade", needs="numpy")
def function_that_the_module_has_not(world):
    import numpy as np

    return np.float_of_old


@case("dependency", remedy="install|metadata|pip")
def distribution_that_is_not_installed(world):
    import importlib.metadata

    importlib.metadata.version("package-of-the-future")


@case("dependency", "system", remedy="install|ld_library_path|library")
def library_that_is_not_installed(world):
    _posix()
    import ctypes

    ctypes.CDLL("libcudart.so.99.0")


@case("dependency", "system", remedy="corrupt|reinstall|architecture|platform|build")
def library_of_garbage(world):
    _posix()
    import ctypes

    ctypes.CDLL(world.file("x.so", b"garbage" * 99))


@case("dependency", "system", remedy="version|rebuild|reinstall|compil|upgrade")
def library_without_that_symbol(world):
    _posix()
    import ctypes

    ctypes.CDLL(None).symbol_of_the_future  # noqa: B018


@case("dependency", "", remedy="circular|partially|import|name")
def modules_that_import_each_other(world):
    world.file("first_half.py", b"import second_half\nvalue = 1\n")
    world.file("second_half.py", b"from first_half import value\n")
    sys.path.insert(0, str(world.tmp))
    try:
        import first_half  # noqa: F401
    finally:
        sys.path.remove(str(world.tmp))
        for name in ("first_half", "second_half"):
            sys.modules.pop(name, None)


@case("input_validation", "system unknown", remedy="environment|export|set|default")
def variable_that_is_not_set(world):
    return os.environ["MODEL_DIR_OF_THE_FUTURE"]


@case("input_validation", "data unknown", remedy="number|int|parse|convert|strip")
def words_as_a_number(world):
    int("many")


@case("input_validation", "dependency", remedy="argument|parameter|version|signature|spelling")
def argument_that_is_unknown(world):
    sorted([1], keys=None)


@case("input_validation", "", remedy="argument|pass|signature")
def argument_that_is_missing(world):
    def train(model, data):
        return model, data

    train("model")


@case("data", "input_validation unknown", remedy="none|null|return")
def attribute_of_none(world):
    import re

    return re.match("a", "b").group()


@case("input_validation", "unknown data evaluation training", remedy="zero|empty|length|denominator|divis")
def division_by_an_empty_count(world):
    return sum([]) / len([])


@case("input_validation", "data unknown", remedy="unpack|values|return|number of")
def tuple_of_another_length(world):
    image, label = (1, 2, 3)
    return image, label


@case("data", "input_validation unknown", remedy="empty|iterat|exhausted|next")
def iterator_without_end_value(world):
    next(iter([]))


@case("input_validation", "unknown system", remedy="defin|spelling|import|name")
def name_that_is_not_defined(world):
    return undefined_model  # noqa: F821


@case("unknown", "input_validation", remedy="assert|condition|invariant|check")
def assertion_without_words(world):
    assert not world


@case("loss", "training data input_validation model unknown", remedy="overflow|range|clip|clamp|learning rate|large")
def exponential_of_a_large_loss(world):
    import math

    math.exp(1000.0)


@case("input_validation", "data unknown", remedy="domain|log|positive|range|negative")
def logarithm_of_zero(world):
    import math

    math.log(0.0)
