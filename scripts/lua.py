"""The Lua of `shared/store/lua`, parsed, and every name in it resolved to what declares it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tree_sitter_lua
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_lua.language()))
KNOWN = frozenset(
    (
        *("redis", "cjson", "cmsgpack", "string", "table", "math", "type", "tostring", "tonumber"),
        *("ipairs", "pairs", "next", "pcall", "error", "unpack", "LIBRARY", "define"),
    )
)
"""What Redis gives to a library, and two names that `shared.store.transitions.library` writes."""
FUNCTIONS = ("function_declaration", "function_definition")


@dataclass(frozen=True, slots=True)
class Source:
    """One file: `lib/work/turns` is a part, which all that come after it see; `claim` sees the parts only."""

    name: str
    path: Path
    root: Node

    @property
    def is_part(self) -> bool:
        return self.name.startswith("lib/")


@dataclass(slots=True)
class Name:
    """A local, function, parameter or loop variable, and what becomes of it."""

    text: str
    source: Source
    node: Node
    reads: int = 0
    values: list[Node] = field(default_factory=list)
    """All that is assigned to it by itself: not what a loop or the second answer of a call gives it."""
    loops: list[Node] = field(default_factory=list)
    """Of the second variable of a loop over a table: what it goes over."""
    function: Node | None = None
    """Of a parameter: whose it is."""


@dataclass(frozen=True, slots=True)
class Problem:
    source: Source
    node: Node
    said: str

    def __str__(self) -> str:
        return f"{self.source.path}:{self.node.start_point.row + 1}: {self.said}"


class BadSyntax(Exception):
    """The file is no Lua."""


def text_of(node: Node) -> str:
    return (node.text or b"").decode()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text."""
    yield node
    for child in node.named_children:
        yield from walk(child)


def parse(name: str, path: Path) -> Source:
    root = _PARSER.parse(path.read_bytes()).root_node
    if root.has_error:
        raise BadSyntax(f"{path} is no Lua")
    return Source(name, path, root)


def read(folder: Path, parts: Sequence[str]) -> list[Source]:
    """The parts in the order of the library, then the functions."""
    found = [parse(f"lib/{part}", folder / "lib" / f"{part}.lua") for part in parts]
    return [*found, *(parse(path.stem, path) for path in functions(folder))]


def functions(folder: Path) -> list[Path]:
    """The files of the functions that Redis gets, which stand in rooms beside the parts."""
    return sorted(path for path in folder.glob("*/*.lua") if path.parent.name != "lib")


class Names:
    """What each name means; and names that are none, are never read, or hide another."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.problems: list[Problem] = []
        self.declared: list[Name] = []
        self.of: dict[tuple[str, int], Name] = {}
        """By file and place in it: what an identifier there means."""
        self._source = sources[0]
        self._function: Node | None = None
        shared: list[dict[str, Name]] = [{}]
        for source in sources:
            self._source = source
            self._scopes = shared if source.is_part else [*shared, {}]
            self._statements(source.root)
        self.problems += [
            Problem(name.source, name.node, f"{name.text} is never read")
            for name in self.declared
            if not name.reads and name.text != "_"
        ]

    def meant_by(self, source: Source, identifier: Node) -> Name | None:
        return self.of.get((source.name, identifier.start_byte))

    def _statements(self, block: Node) -> None:
        for child in block.named_children:
            self._statement(child)

    def _block(self, block: Node | None, declared: Sequence[Node] = ()) -> None:
        self._scopes = [*self._scopes, {}]
        for node in declared:
            self._declare(node)
        if block is not None:
            self._statements(block)
        self._scopes = self._scopes[:-1]

    def _statement(self, node: Node) -> None:
        match node.type:
            case "variable_declaration":
                self._locals(node)
            case "assignment_statement":
                self._assignment(node)
            case "function_declaration":
                self._named_function(node)
            case "for_statement":
                self._loop(node)
            case "repeat_statement":
                self._repeat(node)
            case "block" | "do_statement":
                self._block(node)
            case _ if node.type.startswith(("while_", "if_", "else")):
                self._statements(node)
            case _:
                self._expression(node)

    def _repeat(self, node: Node) -> None:
        """Its condition sees what its body declares."""
        self._scopes = [*self._scopes, {}]
        self._statements(_child(node, "body"))
        self._expression(_child(node, "condition"))
        self._scopes = self._scopes[:-1]

    def _locals(self, node: Node) -> None:
        inner = node.named_children[0]
        names = inner if inner.type == "variable_list" else inner.named_children[0]
        values = inner.named_children[1].named_children if inner.type == "assignment_statement" else []
        for value in values:
            self._expression(value)
        for number, identifier in enumerate(names.named_children):
            name = self._declare(identifier)
            if number < len(values):
                name.values.append(values[number])

    def _assignment(self, node: Node) -> None:
        targets, values = node.named_children
        for value in values.named_children:
            self._expression(value)
        for number, target in enumerate(targets.named_children):
            value = values.named_children[number] if number < len(values.named_children) else None
            self._assign(target, value)

    def _assign(self, target: Node, value: Node | None) -> None:
        if target.type != "identifier":
            return self._expression(target)
        name = self._find(target)
        if name is None:
            return self._say(target, f"{text_of(target)} is set, and is no local")
        if value is not None:
            name.values.append(value)

    def _named_function(self, node: Node) -> None:
        target = _child(node, "name")
        if node.children[0].type == "local":
            self._declare(target).values.append(node)
        else:
            self._assign(target, node)
        self._body(node)

    def _body(self, node: Node) -> None:
        outer, self._function = self._function, node
        given = _child(node, "parameters").named_children
        self._block(node.child_by_field_name("body"), [one for one in given if one.type == "identifier"])
        self._function = outer

    def _loop(self, node: Node) -> None:
        clause = _child(node, "clause")
        if clause.type == "for_numeric_clause":
            declared, values = clause.named_children[:1], clause.named_children[1:]
        else:
            names, expressions = clause.named_children
            declared, values = names.named_children, expressions.named_children
        for value in values:
            self._expression(value)
        self._block(node.child_by_field_name("body"), declared)
        if len(declared) > 1:
            self.of[self._source.name, declared[1].start_byte].loops += values

    def _expression(self, node: Node) -> None:
        match node.type:
            case "identifier":
                self._read(node)
            case "dot_index_expression" | "method_index_expression":
                self._expression(_child(node, "table"))
            case "function_definition":
                self._body(node)
            case _:
                for child in node.named_children[_plain_names(node) :]:
                    self._expression(child)

    def _read(self, identifier: Node) -> None:
        name = self._find(identifier)
        if name is not None:
            name.reads += 1
        elif text_of(identifier) not in KNOWN:
            self._say(identifier, f"{text_of(identifier)} is not defined")

    def _declare(self, identifier: Node) -> Name:
        text = text_of(identifier)
        for scope in self._scopes if text != "_" else ():
            if hidden := scope.get(text):
                where = f"{hidden.source.name} line {hidden.node.start_point.row + 1}"
                self._say(identifier, f"{text} hides what {where} declares")
        is_parameter = identifier.parent is not None and identifier.parent.type == "parameters"
        name = Name(text, self._source, identifier, function=self._function if is_parameter else None)
        self._scopes[-1][text] = name
        self.declared.append(name)
        self.of[self._source.name, identifier.start_byte] = name
        return name

    def _find(self, identifier: Node) -> Name | None:
        text = text_of(identifier)
        found = next((scope[text] for scope in reversed(self._scopes) if text in scope), None)
        if found is not None:
            self.of[self._source.name, identifier.start_byte] = found
        return found

    def _say(self, node: Node, said: str) -> None:
        self.problems.append(Problem(self._source, node, said))


def _child(node: Node, name: str) -> Node:
    found = node.child_by_field_name(name)
    assert found is not None, f"{node.type} has no {name}"
    return found


def _plain_names(node: Node) -> int:
    """Children that are no expressions: of a table's field `name = 1` there is one, of `[name] = 1` none."""
    is_named = node.type == "field" and node.child_by_field_name("name") is not None
    return 1 if is_named and node.children[0].type != "[" else 0
