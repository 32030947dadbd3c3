"""What the Lua reads and writes in Redis, found in its text: which function, which command, which key, which fields."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from tree_sitter import Node

from scripts import lua
from scripts.lua import Name, Source, text_of, walk
from shared.store.transitions.library import PARTS

LUA = Path(__file__).parents[2] / "shared" / "store" / "lua"
ANY = "*"
"""Stands for what only the running call knows."""
DEEPEST = 12
COMMANDS = ("call", "redis.call", "redis.pcall")
Given = tuple[tuple[int, "Bound"], ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """An expression, and what the parameters in it stand for."""

    node: Node
    source: Source
    given: Given = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One call of Redis in the text: of its arguments those after the key."""

    by: str
    name: str
    key: str
    arguments: tuple[Bound, ...]


class Reading:
    """The library, with what its expressions may be as text."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources
        self.names = lua.Names(sources)
        self._calls: dict[int, list[tuple[Source, list[Node]]]] = {}
        self._home: dict[int, Source] = {}
        for source in sources:
            for node in walk(source.root):
                if node.type in lua.FUNCTIONS:
                    self._home[node.id] = source
        for source in sources:
            for node in walk(source.root):
                if node.type == "function_call":
                    self._note_call(source, node)

    def _note_call(self, source: Source, node: Node) -> None:
        """Who is called with what; also as in `pcall(f, …)` and `confined(team, about, f, …)`."""
        function, arguments = node.named_children
        given = arguments.named_children
        for body in self.bodies(source, function):
            self._calls.setdefault(body.id, []).append((source, given))
        for number, argument in enumerate(given):
            for part in walk(argument) if argument.type in ("identifier", "binary_expression") else ():
                for body in self.bodies(source, part) if part.type == "identifier" else ():
                    self._calls.setdefault(body.id, []).append((source, given[number + 1 :]))

    def bodies(self, source: Source, function: Node) -> list[Node]:
        name = self.names.meant_by(source, function) if function.type == "identifier" else None
        return [value for value in name.values if value.type in lua.FUNCTIONS] if name else []

    def texts(self, of: Bound, depth: int = 0) -> frozenset[str]:
        """All that the expression may be, with ANY for what nobody can tell."""
        if depth > DEEPEST:
            return frozenset((ANY,))
        node = of.node
        match node.type:
            case "string":
                return frozenset((text_of(node)[1:-1],))
            case "identifier":
                return self._of_identifier(of, depth + 1)
            case "parenthesized_expression":
                return self.texts(Bound(node.named_children[0], of.source, of.given), depth + 1)
            case "binary_expression":
                return self._of_operator(of, depth + 1)
            case "bracket_index_expression":
                return self._of_elements(Bound(node.named_children[0], of.source, of.given), depth + 1)
            case "function_call":
                return self._of_call(of, depth + 1)
        return frozenset((ANY,))

    def _of_operator(self, of: Bound, depth: int) -> frozenset[str]:
        left, right = (Bound(child, of.source, of.given) for child in of.node.named_children)
        match text_of(of.node.children[1]):
            case "..":
                pairs = product(self.texts(left, depth), self.texts(right, depth))
                return frozenset(one + other for one, other in pairs)
            case "or":
                return self.texts(left, depth) | self.texts(right, depth)
            case "and":  # its left is no text, or it is not what counts
                return self.texts(right, depth)
        return frozenset((ANY,))

    def _of_identifier(self, of: Bound, depth: int) -> frozenset[str]:
        name = self.names.meant_by(of.source, of.node)
        if name is None or text_of(of.node) == "P":
            return frozenset(("",)) if name else frozenset((ANY,))
        if bound := dict(of.given).get(id(name)):
            return self.texts(bound, depth)
        found: set[str] = set()
        for value in name.values:
            found |= self.texts(Bound(value, name.source, of.given), depth)
        for loop in name.loops:
            found |= self._of_loop(Bound(loop, name.source, of.given), depth)
        for argument in self._arguments_of(name):
            found |= self.texts(argument, depth)
        return frozenset(found) or frozenset((ANY,))

    def _arguments_of(self, name: Name) -> Iterator[Bound]:
        """What a parameter is given, wherever its function is called."""
        if name.function is None:
            return
        place = [text_of(one) for one in _parameters(name.function)].index(name.text)
        for source, given in self._calls.get(name.function.id, ()):
            if place < len(given):
                yield Bound(given[place], source)

    def _of_loop(self, of: Bound, depth: int) -> frozenset[str]:
        """`ipairs({ … })`, or of a table that has a name."""
        if of.node.type != "function_call":
            return frozenset((ANY,))
        arguments = of.node.named_children[1].named_children
        return self._of_elements(Bound(arguments[0], of.source, of.given), depth)

    def _of_elements(self, of: Bound, depth: int) -> frozenset[str]:
        """What a table may hold that is written out: ANY of all others."""
        found: set[str] = set()
        for table in self.tables(of, depth):
            for field in table.node.named_children:
                found |= self.texts(Bound(field.named_children[-1], table.source, table.given), depth)
        return frozenset(found) or frozenset((ANY,))

    def tables(self, of: Bound, depth: int = 0) -> list[Bound]:
        if of.node.type == "table_constructor":
            return [of]
        if depth > DEEPEST:
            return []
        if of.node.type in ("dot_index_expression", "bracket_index_expression"):
            return self._tables_in(of, depth + 1)
        if of.node.type in ("binary_expression", "parenthesized_expression"):
            parts = [Bound(child, of.source, of.given) for child in of.node.named_children]
            return [table for part in parts for table in self.tables(part, depth + 1)]
        name = self.names.meant_by(of.source, of.node) if of.node.type == "identifier" else None
        if name is None:
            return []
        values = [Bound(value, name.source, of.given) for value in name.values]
        return [
            table for value in (*values, *self._arguments_of(name)) for table in self.tables(value, depth + 1)
        ]

    def _tables_in(self, of: Bound, depth: int) -> list[Bound]:
        """The table of a name within another: `STATES.job`; or all of them, where it is not written out."""
        table, name = (Bound(child, of.source, of.given) for child in of.node.named_children)
        named = text_of(name.node) if of.node.type == "dot_index_expression" else None
        return [
            found
            for outer in self.tables(table, depth)
            for field in outer.node.named_children
            if named is None or text_of(field.named_children[0]) == named
            for found in self.tables(Bound(field.named_children[-1], outer.source, outer.given), depth)
        ]

    def _of_call(self, of: Bound, depth: int) -> frozenset[str]:
        function, arguments = of.node.named_children
        given = [Bound(argument, of.source, of.given) for argument in arguments.named_children]
        if text_of(function) == "tostring":
            return self.texts(given[0], depth)
        if text_of(function) == "table.concat":
            return self._of_concat(given, depth)
        found: set[str] = set()
        for body in self.bodies(of.source, function):
            source = self._home[body.id]
            names = (self.names.of[source.name, one.start_byte] for one in _parameters(body))
            bound = tuple((id(name), argument) for name, argument in zip(names, given, strict=False))
            for returned in _returns(body):
                found |= self.texts(Bound(returned, source, bound), depth)
        return frozenset(found) or frozenset((ANY,))

    def _of_concat(self, given: Sequence[Bound], depth: int) -> frozenset[str]:
        found: set[str] = set()
        for table in self.tables(given[0]):
            parts = [
                Bound(field.named_children[-1], table.source, table.given)
                for field in table.node.named_children
            ]
            between = min(self.texts(given[1], depth)) if given[1:] else ""
            found |= {between.join(one) for one in product(*(self.texts(part, depth) for part in parts))}
        return frozenset(found) or frozenset((ANY,))

    def commands(self) -> Iterator[Command]:
        """Those of Redis; and what a call gathers, as what comes of it."""
        for source in self.sources:
            for node in walk(source.root):
                if node.type == "function_call":
                    yield from self._commands_of(source, node)

    def _commands_of(self, source: Source, node: Node) -> Iterator[Command]:
        function, arguments = node.named_children
        given = list(self.expanded(source, arguments.named_children))
        by = author(source, node)
        match text_of(function):
            case "tally":
                yield Command(by, "HINCRBY", f"ledger:{ANY}", tuple(given[1:]))
            case "change_index" if text_of(given[2].node) != "false":
                yield from (Command(by, "ZADD", key, ()) for key in self.texts(given[0]))
            case "fields_of" | "values_of":
                yield from self._fields_of(by, given)
            case "pcall" if text_of(given[0].node) == "fields_of":
                yield from self._fields_of(by, given[1:])
            case "call_in_parts":
                yield from self._calls_of(by, given[1:])
            case name if name in COMMANDS:
                yield from self._calls_of(by, given)

    def _fields_of(self, by: str, given: Sequence[Bound]) -> Iterator[Command]:
        yield from (Command(by, "HMGET", key, tuple(given[1:])) for key in self.texts(given[0]))

    def _calls_of(self, by: str, given: Sequence[Bound]) -> Iterator[Command]:
        for name, key in product(self.texts(given[0]), self.texts(given[1]) if given[1:] else ("",)):
            yield Command(by, name, key, tuple(given[2:]))

    def expanded(self, source: Source, arguments: Sequence[Node]) -> Iterator[Bound]:
        """The arguments, with what `unpack` and `...` stand for."""
        for argument in arguments:
            if argument.type == "vararg_expression":
                yield from self._given_beside(argument)
            elif argument.type == "function_call" and text_of(argument.named_children[0]) == "unpack":
                yield from self._unpacked(source, argument.named_children[1].named_children[0])
            else:
                yield Bound(argument, source)

    def _given_beside(self, vararg: Node) -> Iterator[Bound]:
        function = _function_around(vararg)
        if function is None:
            return
        for source, given in self._calls.get(function.id, ()):
            for argument in given[len(_parameters(function)) :]:
                yield Bound(argument, source)

    def _unpacked(self, source: Source, table: Node) -> Iterator[Bound]:
        """What a table has from its beginning, and what is appended to it after that."""
        for found in self.tables(Bound(table, source)):
            for field in found.node.named_children:
                yield Bound(field.named_children[-1], found.source)
        name = self.names.meant_by(source, table)
        for node in walk(source.root):
            if node.type == "assignment_statement":
                target, value = (child.named_children[0] for child in node.named_children)
                is_appended = target.type == "bracket_index_expression" and "#" in text_of(target)
                if is_appended and self.names.meant_by(source, target.named_children[0]) is name:
                    yield Bound(value, source)


def author(source: Source, node: Node) -> str:
    """The function of the library that the place is in, or the file of a transition."""
    if not source.is_part:
        return f"{source.name}.lua"
    found, around = "", node.parent
    while around is not None:
        if around.type == "function_declaration":
            found = text_of(_named(around, "name"))
        around = around.parent
    return found


def _function_around(node: Node) -> Node | None:
    around = node.parent
    while around is not None and around.type not in lua.FUNCTIONS:
        around = around.parent
    return around


def _named(node: Node, name: str) -> Node:
    found = node.child_by_field_name(name)
    assert found is not None
    return found


def _parameters(function: Node) -> list[Node]:
    return [one for one in _named(function, "parameters").named_children if one.type == "identifier"]


def _returns(function: Node) -> Iterator[Node]:
    """The first value of each of its returns."""
    for node in walk(_named(function, "body")):
        if node.type == "return_statement" and node.named_children and _function_around(node) == function:
            yield node.named_children[0].named_children[0]


@cache
def reading() -> Reading:
    """Of the Lua as it stands."""
    return Reading(lua.read(LUA, PARTS))


@cache
def commands() -> tuple[Command, ...]:
    return tuple(reading().commands())
