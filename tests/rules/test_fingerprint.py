"""The same failure is one group, whoever meets it; different failures are different groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts, Frame
from otel_mldebug.rules.fingerprint import detected, fingerprint

LIBRARY = "/opt/conda/lib/python3.11/site-packages/torch/nn/modules/linear.py"


def frame(file="/app/train.py", function="main", line=1, in_app=True):
    return Frame(file=file, function=function, line=line, in_app=in_app)


def facts(message="bad batch", *, frames=None, **more):
    frames = (frame(),) if frames is None else frames
    return ErrorFacts(**{"type": "ValueError", "message": message, "frames": frames, **more})


JOIN = [
    pytest.param(facts(), facts(frames=(frame(line=99),)), id="another line"),
    pytest.param(facts(), facts(frames=(frame(file="/workspace/train.py"),)), id="another place on another machine"),
    pytest.param(
        facts(frames=(frame("/home/ann/proj/train.py"),)),
        facts(frames=(frame("C:\\Users\\bob\\proj\\train.py"),)),
        id="homes",
    ),
    pytest.param(facts("HTTP 503 from gw-1:8080"), facts("HTTP 503 from gw-22:9090"), id="another host"),
    pytest.param(facts("at x.cpp:12"), facts("at x.cpp:1269"), id="another line of a source file"),
    pytest.param(facts("took 3m"), facts("took 250 ms"), id="another duration"),
    pytest.param(facts("index 3 of 7"), facts("index 12 of 70"), id="other numbers"),
    pytest.param(facts("rank 0 failed"), facts("rank 13 failed"), id="another rank"),
    pytest.param(facts("on cuda:0"), facts("on cuda:3"), id="another GPU"),
    pytest.param(facts("at 0x7f01"), facts("at 0x7f99aa"), id="another address"),
    pytest.param(facts("no '/tmp/a1/x'"), facts("no '/tmp/b7/x'"), id="another temporary path"),
    pytest.param(
        facts(frames=(frame(),)), facts(frames=(frame(), frame(LIBRARY, "forward", in_app=False))), id="library frames"
    ),
    pytest.param(
        facts(frames=(frame(), *[frame(function="dive")] * 3)),
        facts(frames=(frame(), *[frame(function="dive")] * 900)),
        id="another depth of recursion",
    ),
    pytest.param(
        facts(type="torch.OutOfMemoryError"), facts(type="torch.cuda.OutOfMemoryError"), id="a class that moved"
    ),
    pytest.param(facts(type="__main__.MyError"), facts(type="MyError"), id="main program or not"),
    pytest.param(
        facts(frames=(frame("<ipython-input-3-ab12>"),)), facts(frames=(frame("<ipython-input-9-ff00>"),)), id="cells"
    ),
    pytest.param(facts("a\n  b"), facts("a b"), id="white space"),
    pytest.param(
        facts(type="RuntimeError", message="boom", cause=facts()),
        facts(type="RuntimeError", message="other words", cause=facts()),
        id="other words of the wrapper",
    ),
]
SPLIT = [
    pytest.param(facts(), facts(type="KeyError"), id="another class"),
    pytest.param(facts(), facts("no batch"), id="another message"),
    pytest.param(facts(), facts(frames=(frame(function="evaluate"),)), id="another function"),
    pytest.param(facts(), facts(frames=(frame(file="/app/data.py"),)), id="another file"),
    pytest.param(
        facts(frames=(frame("/app/a/utils.py"),)), facts(frames=(frame("/app/b/utils.py"),)), id="directories"
    ),
    pytest.param(facts("at x.cpp:12"), facts("at y.cpp:12"), id="another source file"),
    pytest.param(facts("server returned 502"), facts("server returned 401"), id="another answer"),
    pytest.param(facts("exited with 1"), facts("exited with 139"), id="another exit"),
    pytest.param(facts("HTTP Error 403: x"), facts("HTTP Error 404: x"), id="another status"),
    pytest.param(facts("[Errno 28] x"), facts("[Errno 13] x"), id="another errno"),
    pytest.param(facts("exit code 1"), facts("exit code 137"), id="another exit code"),
    pytest.param(facts("killed by signal 9"), facts("killed by signal 11"), id="another signal"),
    pytest.param(facts("got float16"), facts("got float32"), id="another element type"),
    pytest.param(facts("on cuda:0"), facts("on cpu"), id="another kind of device"),
    pytest.param(facts("no file 'a.csv'"), facts("no file 'b.json'"), id="another file name"),
    pytest.param(facts(), facts(frames=(frame(), frame(function="inner"))), id="deeper in the user's code"),
    pytest.param(
        facts(frames=(frame(LIBRARY, "forward", in_app=False),)),
        facts(frames=(frame(LIBRARY, "backward", in_app=False),)),
        id="library frames where there are no others",
    ),
]


@pytest.mark.parametrize(("one", "other"), JOIN)
def test_one_group(one, other):
    assert explain(one).fingerprint == explain(other).fingerprint


@pytest.mark.parametrize(("one", "other"), SPLIT)
def test_two_groups(one, other):
    assert explain(one).fingerprint != explain(other).fingerprint


def test_the_users_frames_of_a_wrapper_stand_in_for_a_root_inside_a_library():
    inner = facts(frames=(frame(LIBRARY, "connect", in_app=False),))
    here = facts(type="RuntimeError", frames=(frame(function="here"),), cause=inner)
    there = facts(type="RuntimeError", frames=(frame(function="there"),), cause=inner)
    assert explain(here).fingerprint != explain(there).fingerprint


texts = st.text(max_size=200)
frames = st.lists(st.builds(Frame, file=texts, function=texts, in_app=st.booleans()), max_size=5).map(tuple)


@given(st.builds(ErrorFacts, type=texts, message=texts, frames=frames))
def test_every_failure_has_sixteen_hex_digits_that_do_not_change(one):
    mark = fingerprint(one)
    assert mark == fingerprint(one)
    assert len(mark) == 16
    assert int(mark, 16) >= 0


def test_what_a_detector_found_is_grouped_by_rule_and_place():
    groups = [detected("loss.nonfinite", "layers.3"), detected("loss.nonfinite", "layers.4"), detected("loss.spike")]
    assert len(set(groups)) == 3
    assert groups[0] == detected("loss.nonfinite", "layers.3")
    assert {len(group) for group in groups} == {16}
