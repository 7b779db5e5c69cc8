"""What watching costs, measured: `make bench`, or `python -m benchmarks [--only NAME] [--quick]`.

Each module of this package that defines `measure` is a benchmark and runs in a process of its own, so that what one
of them instruments does not slow down the next. To add one, add a module:

    from collections.abc import Iterable

    from benchmarks.figure import Figure
    from benchmarks.timing import interleave, ratio

    def measure(quick: bool) -> Iterable[Figure]:
        times = interleave({"bare": bare, "watched": watched}, repeats=5 if quick else 25)
        yield ratio("steps.mlp.default", times["watched"], times["bare"], limit=1.03, note="MLP, 200 tensors, AdamW")

`interleave` runs the variants in turn and returns the processor seconds of each repeat, so that a noisy neighbour
hits all of them alike. A figure is yielded as soon as it is known, is shown at once, and ends up in the JSON file with
its unit, its spread, the limit that we promise (if any), and the versions used. Put what varies (`quick`: fewer
repeats, never another workload) into the note.
"""
