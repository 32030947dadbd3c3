"""Bodies as a page shows them: JSON in lines with colours, anything else as it is, and no more than fits."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

MOST_CHARACTERS, MOST_LINES = 65_536, 40
_PARTS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_SHOWN, _PIECE = 4_000, 1_000
"""Characters that are shown at once, and of a line that is told in pieces."""
_COLOURED = 16_384
"""Characters of a body up to which its parts are told apart: each is an element of the page."""


class Part(NamedTuple):
    """A piece of text, and what it is: `k` a name, `s` a text, nothing else."""

    kind: str
    text: str


class Body(NamedTuple):
    """What is shown at once, what is folded, and how much there is."""

    shown: list[Part]
    folded: list[Part]
    folded_size: int
    size: int
    is_cut: bool


def shown(text: str | None, *, is_cut: bool = False) -> Body | None:
    """The body for a page; None if there is none."""
    if not text:
        return None
    seen = text[:MOST_CHARACTERS]
    first, rest, left = list[Part](), list[Part](), _SHOWN
    for number, line in enumerate(_lines(seen), 1):
        length = sum(len(part.text) for part in line)
        is_first = not rest and number <= MOST_LINES and length <= left
        (first if is_first else rest).extend(line)
        left -= length
    size = len(text.encode("utf-8", "replace"))
    folded = sum(len(part.text) for part in rest)
    return Body(first, rest, folded, size, is_cut or len(text) > len(seen))


def _lines(text: str) -> Iterator[list[Part]]:
    if len(text) <= _COLOURED and _is_json(text):
        yield from _indented(text)
        return
    for line in text.splitlines(keepends=True):
        for start in range(0, len(line), _PIECE):
            yield [Part("", line[start : start + _PIECE])]


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _indented(text: str) -> Iterator[list[Part]]:
    """Its parts as they were written, numbers and names that stand twice too, in lines by their depth."""
    depth, line = 0, list[Part]()
    parts = _PARTS.findall(text)
    for place, part in enumerate(parts):
        after = parts[place + 1] if place + 1 < len(parts) else ""
        before = parts[place - 1] if place else ""
        if part in "}]":
            depth -= 1
            if before not in ("{", "["):
                yield [*line, Part("", "\n")]
                line = [Part("", "  " * depth)]
        line.append(_part(part, after))
        if part in "{[":
            depth += 1
        if part == "," or (part in "{[" and after not in ("}", "]")):
            yield [*line, Part("", "\n")]
            line = [Part("", "  " * depth)]
    yield line


def _part(text: str, after: str) -> Part:
    if text == ":":
        return Part("", ": ")
    if text.startswith('"'):
        return Part("k" if after == ":" else "s", text)
    return Part("", text)
