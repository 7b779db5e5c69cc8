"""How often the kernel killed for lack of memory, from files as both versions of control groups have them."""

import pytest

from otel_mldebug.cli.cgroup import oom_kills

V2 = "low 0\nhigh 3\nmax 12\noom 5\noom_kill 4\noom_group_kill 1\n"
V1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"


@pytest.mark.parametrize(
    ("membership", "files", "count"),
    [
        pytest.param("0::/user/job-1\n", {"user/job-1/memory.events": V2}, 4, id="version 2"),
        pytest.param("0::/\n", {"memory.events": V2}, 4, id="version 2 in a container"),
        pytest.param("4:cpu,memory:/job\n0::/\n", {"memory/job/memory.oom_control": V1}, 7, id="version 1"),
        pytest.param("0::/\n", {}, None, id="the root has no such file"),
        pytest.param("0::/\n", {"memory.events": "oom_kill many\n"}, None, id="no number"),
        pytest.param("5:cpuset:/job\n", {"memory/job/memory.oom_control": V1}, None, id="another controller"),
    ],
)
def test_the_count_is_read_where_the_process_belongs(tmp_path, membership, files, count):
    proc, root = tmp_path / "cgroup", tmp_path / "fs"
    proc.write_text(membership)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    assert oom_kills(proc, root) == count


def test_a_system_without_control_groups_has_no_count(tmp_path):
    assert oom_kills(tmp_path / "missing", tmp_path) is None
