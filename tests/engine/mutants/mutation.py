"""What a single fault in the Lua is made of: where it lies, a pattern there, and what that becomes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tree_sitter import Node

from scripts import lua

_TOKEN = re.compile(r"(?P<comment>--[^\n]*)|'(?:\\.|[^'\\])*'|\.\.\.|\.\.|[=~<>]=|\w+|\S")


@dataclass(frozen=True, slots=True)
class Mutation:
    """`pattern`, found exactly once in the place, becomes `new`; `breaks` says what that does.

    A place is a function or a constant of the library (`holds`, `QUIET`), a transition (`claim`), or a function
    in one (`claim.start`), in whatever file. The pattern is Lua, however that is broken into lines.
    """

    place: str
    pattern: str
    new: str
    breaks: str
    is_quick: bool = False
    """One of the few that a bounded run takes."""


def rows(*rows: tuple[str, str, str, str]) -> list[Mutation]:
    """A `breaks` that starts with `!` is quick."""
    return [
        Mutation(place, pattern, new, breaks.lstrip("!"), breaks.startswith("!"))
        for breaks, place, pattern, new in rows
    ]


class Token(NamedTuple):
    """A word, text or sign of Lua."""

    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """All of the Lua but its comments and white space."""
    return [Token(one[0], *one.span()) for one in _TOKEN.finditer(text) if not one["comment"]]


class Span(NamedTuple):
    """A part of a file, from and to a character of it."""

    path: Path
    start: int
    end: int


class Places:
    """The Lua below a folder, by the names that mutations call its places."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def texts_of(self, mutation: Mutation) -> list[tuple[Path, str]]:
        """Each file that the mutation can be made in, with its text then; one, if the mutation is sound."""
        found = []
        for path, start, end in self._spans.get(mutation.place, ()):
            text = path.read_text()
            for first, last in _found(text[start:end], mutation.pattern):
                found.append((path, text[: start + first] + mutation.new + text[start + last :]))
        return found

    def bodies(self) -> Iterator[tuple[Path, int, str]]:
        """Where the statements of each function and transition begin: the file, a character of it, the place."""
        for path, whole, node in self._all:
            body = node.child_by_field_name("body")
            if node.type == "chunk":
                yield path, path.read_text().index("\n") + 1, whole
            elif node.type == "function_declaration" and body is not None:
                yield path, _span(path, body).start, whole

    def functions_of(self, place: str) -> set[str]:
        """The functions and transitions that run what stands in the place.

        Those of a constant of the library read it, by itself or through another constant.
        """
        types = {node.type for _, whole, node in self._all if whole == place}
        if types != {"variable_declaration"}:
            return {place}
        transition = place.partition(".")[0]
        if transition != place:
            return {transition}
        return self._readers_of(place)

    def _readers_of(self, constant: str) -> set[str]:
        found, wanted, known = set(), [constant], {constant}
        while wanted:
            name = wanted.pop()
            for path, whole, node in self._all:
                span = _span(path, node)
                words = {one.text for one in tokens(path.read_text()[span.start : span.end])}
                if name in words and whole not in known:
                    known.add(whole)
                    if node.type == "variable_declaration":
                        wanted.append(whole)
                    else:
                        found.add(whole)
        return found

    @cached_property
    def _spans(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for path, whole, node in self._all:
            found.setdefault(whole, []).append(_span(path, node))
        return found

    @cached_property
    def _all(self) -> list[tuple[Path, str, Node]]:
        """Each place: its file, its name, and its node there, which of a transition is the whole file."""
        found = []
        for path in sorted(self._folder.rglob("*.lua")):
            is_part = path.is_relative_to(self._folder / "lib")
            root = lua.parse(path.stem, path).root
            found += [(path, name if is_part else f"{path.stem}.{name}", node) for name, node in _named(root)]
            if not is_part:
                found.append((path, path.stem, root))
        return found


def _found(text: str, pattern: str) -> list[tuple[int, int]]:
    """From and to which character the pattern is found."""
    there, wanted = tokens(text), [one.text for one in tokens(pattern)]
    words = [one.text for one in there]
    starts = [i for i in range(len(words)) if words[i : i + len(wanted)] == wanted]
    return [(there[i].start, there[i + len(wanted) - 1].end) for i in starts]


def _named(root: Node) -> list[tuple[str, Node]]:
    """The functions of a file, and its constants, which no function declares."""
    found = []
    for node in lua.walk(root):
        if node.type == "function_declaration":
            found.append((_name_of(node), node))
        elif node.type == "variable_declaration" and not _is_in_function(node):
            found += [(name, node) for name in _declared(node)]
    return found


def _name_of(function: Node) -> str:
    name = function.child_by_field_name("name")
    return lua.text_of(name) if name else ""


def _declared(node: Node) -> Sequence[str]:
    inner = node.named_children[0]
    if inner.type != "assignment_statement":  # it only names what gets its value later
        return []
    return [lua.text_of(name) for name in inner.named_children[0].named_children]


def _is_in_function(node: Node) -> bool:
    around = node.parent
    while around is not None and around.type not in lua.FUNCTIONS:
        around = around.parent
    return around is not None


def _span(path: Path, node: Node) -> Span:
    before = path.read_bytes()[: node.end_byte]
    return Span(path, len(before[: node.start_byte].decode()), len(before.decode()))
