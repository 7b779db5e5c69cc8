"""Names the group that a failure belongs to, so that the same failure is one group whoever meets it and how often."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from otel_mldebug.rules.facts import ErrorFacts, Frame
from otel_mldebug.rules.matching import readable
from otel_mldebug.rules.normalise import normalised
from otel_mldebug.rules.origin import module_of

_HIDDEN_MODULES = frozenset({"builtins", "__main__", "exceptions"})


def fingerprint(root: ErrorFacts, chain: Sequence[ErrorFacts] = (), text: str | None = None) -> str:
    """Return 16 hex digits for the group of `root`.

    They come from the class, the places in the user's code that led there, and the normalised message: not from line
    numbers, ranks, addresses or how deep a recursion went.

    Args:
        root: The exception that is explained.
        chain: All exceptions around it, whose frames are used where `root` itself has none of the user's.
        text: The message of `root` made readable, where that has been done already.
    """
    parts = (_class(root.type), *_places(root, chain), normalised(readable(root.message) if text is None else text))
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def detected(rule: str, place: str = "") -> str:
    """Return 16 hex digits for the group of what a detector found.

    Args:
        rule: Id of the rule.
        place: Layer or function that showed it; numbers in it count, since `layers.3` is not `layers.4`.
    """
    return blake2b(f"{rule}\0{place}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _class(name: str) -> str:
    """Return top-level package and class: a class that moves inside its package stays the same."""
    top, _, bare = name.partition(".")[0], "", name.rpartition(".")[2]
    return bare if top in _HIDDEN_MODULES or top == bare else f"{top}.{bare}"


def _places(root: ErrorFacts, chain: Sequence[ErrorFacts]) -> Iterator[str]:
    for facts in (root, *chain):
        if own := [frame for frame in facts.frames if frame.in_app]:
            return _distinct(own)
    return _distinct(root.frames)


def _distinct(frames: Sequence[Frame]) -> Iterator[str]:
    """Yield each place once, in the order in which it was first entered: recursion of any depth looks the same."""
    return iter(dict.fromkeys(f"{module_of(frame.file)}:{frame.function}" for frame in frames))
