"""What varies between two occurrences goes out of a message; what tells failures apart stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.normalise import MAX_LENGTH, normalise


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            "index 10 is out of bounds for axis 0 with size 7",
            "index <n> is out of bounds for axis <n> with size <n>",
            id="indices",
        ),
        pytest.param("allocate 2.00 GiB with 512 MiB free", "allocate <n> with <n> free", id="sizes"),
        pytest.param("timed out after 1800000 ms", "timed out after <n>", id="durations"),
        pytest.param("loss 1.5e-05 at 35%", "loss <n> at <n>", id="scientific and per cent"),
        pytest.param("1,234,567 rows", "<n> rows", id="thousands"),
        pytest.param("got shape [32, 3, 224, 224]", "got shape []", id="lists of numbers"),
        pytest.param("(2x5 and 3x4)", "(<n> and <n>)", id="sizes of matrices"),
        pytest.param("object at 0x7f3c1a2b", "object at <address>", id="addresses"),
        pytest.param("id 123e4567-e89b-12d3-a456-426614174000!", "id <id>!", id="uuids"),
        pytest.param("commit 1fca8b1d3e2f9a7c", "commit <id>", id="hex ids"),
        pytest.param("pod trainer-7d9f8b6c5-x", "pod trainer-<id>-x", id="made-up names"),
        pytest.param("at 2024-01-02 12:33:44,123: no", "at <time>: no", id="times"),
        pytest.param("connect to 10.0.0.1:29500", "connect to <host>", id="address and port"),
        pytest.param("connect to node-3.cluster.local:29500", "connect to <host>", id="host and port"),
        pytest.param("Pool(host='hf.co', port=443): no", "Pool(<host>): no", id="urllib3's host and port"),
        pytest.param("(Request ID: Root=1-65-0d;8e) gone", "(<request>) gone", id="request ids"),
        pytest.param("no file '/tmp/tmpab12/x.pt'", "no file '<tmp>'", id="temporary paths"),
        pytest.param(
            "no file 'C:\\Users\\bob\\AppData\\Local\\Temp\\x1'", "no file '<tmp>'", id="temporary paths on Windows"
        ),
        pytest.param("no file /home/bob/data/a.csv", "no file ~/data/a.csv", id="home directories"),
        pytest.param("rank 3, worker 12, GPU 7", "rank <n>, worker <n>, GPU <n>", id="ranks and workers"),
        pytest.param("layer1.0.conv2.weight", "layer<n>.conv<n>.weight", id="numbered layers"),
    ],
)
def test_what_varies_goes(message, expected):
    assert normalise(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        "HTTP Error 403: Forbidden",
        "404 Client Error: Not Found for url",
        "status code 503",
        "status_code=429",
        "[Errno 28] No space left on device",
        "[WinError 1455] The paging file is too small",
        "exited with code -9",
        "returned non-zero exit status 1.",
        "exitcode: 137",
        "killed by signal 11",
        "expected Float16 but found float32 and torch.bfloat16",
        "int8 fp16 bf16 float8_e4m3fn uint8 complex64 nf4 8-bit",
        "Conv2d and BatchNorm1d",
        "cuda and cpu and mps",
        "sha256 of utf-8",
        "no digit and no path",
        "",
    ],
)
def test_what_tells_failures_apart_stays(message):
    assert normalise(message) == message


def test_a_device_keeps_its_kind_and_loses_its_number():
    assert normalise("on cuda:0 and cuda:1, cpu") == "on cuda:<n> and cuda:<n>, cpu"


def test_what_the_memory_looked_like_is_cut_off():
    message = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB of which …"
    older = (
        "CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 7.93 GiB total capacity; 6.7 GiB already allocated)"
    )
    assert normalise(message) == "CUDA out of memory. Tried to allocate <n>."
    assert normalise(older) == "CUDA out of memory. Tried to allocate <n>"


@given(st.text(max_size=3000))
def test_any_message_has_a_bounded_normal_form(message):
    assert len(normalise(message)) <= MAX_LENGTH


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_never_matter(first, second):
    assert normalise(f"expected {first} rows, got [{first}]") == normalise(f"expected {second} rows, got [{second}]")


@given(st.sampled_from([f"{code}" for code in range(400, 600)]), st.sampled_from([f"{c}" for c in range(400, 600)]))
def test_statuses_always_matter(first, second):
    same = normalise(f"HTTP status {first} for x") == normalise(f"HTTP status {second} for x")
    assert same == (first == second)
