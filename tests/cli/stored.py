"""A store with a run that went wrong, for the commands that show it."""

import math

from tests.store.making import Clock, finding, occurrence, step, writer

RUN = "2026-11-18-110640-1f3a"


def nan_run(root, ranks=(0, 1), steps=100):
    """Write a run of some ranks whose loss becomes NaN at step 90, and whose connection was refused before."""
    from otel_mldebug.semconv.names import Category, Severity

    bad = finding(
        "loss.nonfinite",
        "a1b2c3d4e5f60718",
        Severity.CRITICAL,
        category=Category.LOSS,
        summary="The loss became NaN at step 90.",
        cause="The learning rate is too high.",
        solutions=("Clip gradients.", "Lower the learning rate."),
        prevention="Watch the gradient norm.",
        docs="https://example.com/nan",
        evidence={"loss": math.nan, "free_bytes": 6 * 2**30, "waited_s": 0.25, "data_share": 0.5, "shape": (3, 4)},
        confidence=0.95,
        basis="detector",
    )
    refused = finding(
        "network.refused",
        "beefbeefbeefbeef",
        Severity.WARNING,
        category=Category.NETWORK,
        summary="Nothing listens on 10.0.0.1:29500.",
        solutions=("Start the server.",),
        retryable=True,
    )
    clock = Clock()
    for rank in ranks:
        out = writer(root, RUN, rank=rank, host=f"gpu-{rank}", clock=clock)
        out.watched({"torch": "2.15.0", "optimizers": ["SGD"], "parameters": 203530})
        for n in range(steps):
            out.step(
                step(
                    n,
                    duration_s=0.012 + 0.004 * rank,
                    data_s=0.004 + 0.004 * rank,
                    forward_s=0.002,
                    backward_s=0.003,
                    optimizer_s=0.001,
                    loss=2.0 - n / 100 if n < 90 else math.nan,
                    gradient_norm=1.0,
                    learning_rate=0.1,
                )
            )
        out.finding(occurrence(rank + 1, at_s=60, of=bad, step=90, epoch=1, layer="head.fc2"))
        out.finding(
            occurrence(
                rank + 11,
                at_s=10,
                of=refused,
                function="train.connect",
                count=9,
                suppressed=8,
                exception={
                    "type": "ConnectionRefusedError",
                    "message": "[Errno 111] Connection \x1b[31mrefused",
                    "frames": [
                        {
                            "file": "/home/u/train.py",
                            "function": "main",
                            "line": 12,
                            "in_app": True,
                            "code": "connect()",
                        },
                        {"file": "/lib/socket.py", "function": "create_connection", "line": 851, "in_app": False},
                    ],
                    "chain": [{"type": "OSError", "message": "no route", "frames": []}],
                },
                context={"argument.host": "10.0.0.1"},
                trace_id="ab" * 16,
                span_id="cd" * 8,
            )
        )
        clock.now_s = 90
        out.close()
    return root
