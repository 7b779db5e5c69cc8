"""The shape of a text as bytes, one for each character: to see with one search whether a stage has anything to do.

A regular expression tries each position of a clean text; a search for a few equal bytes takes a tenth of that.
"""

from collections.abc import Mapping


def shape(classes: Mapping[str, str]) -> bytes:
    """Return the table for `shaped_by`: the ASCII characters of each value become its key, all others a space."""
    table = bytearray(b" " * 256)
    for name, characters in classes.items():
        for character in characters:
            table[ord(character)] = ord(name)
    return bytes(table)


def shaped_by(table: bytes, text: str, *, without: bytes = b"") -> bytes:
    """Return `text` as the classes of its characters, at the same positions; those in `without` are left out."""
    return text.encode("latin-1", "replace").translate(table, without)
