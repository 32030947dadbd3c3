"""Reads the code of pages: what each module has of the rooms below, and how it could go past the operations."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES, OPERATIONS = "services/api/pages", "services/api/rest"
_DYNAMIC = {"__import__", "import_module", "eval", "exec", "globals", "locals", "vars", "attrgetter"}
"""By these a name need not stand in the code."""
_STATE = {"app", "state"}


@dataclass(frozen=True, slots=True)
class Read:
    """What a module refers to, by its whole name, and what it may not do at all."""

    used: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def modules(folder: str) -> Iterator[tuple[str, str]]:
    """Name and text of each module below a folder."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield str(path.relative_to(ROOT)), path.read_text()


def used_in(folder: str) -> set[str]:
    return {name for _, text in modules(folder) for name in read(text).used}


def read(text: str) -> Read:
    """Its imports by use: of a module each attribute that is taken of it."""
    tree, found = ast.parse(text), Read()
    names = _imports(tree, found)
    clients = _clients(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in names:
                found.used.add(f"{names[name]}.{attribute}")
            case ast.Name(id=name) if name in names:
                found.used.add(names[name])
        found.wrong.extend(_wrong(node, clients))
    return found


def _imports(tree: ast.AST, found: Read) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)):
                names |= {one.asname or one.name: f"{module}.{one.name}" for one in node.names}
                found.used.update(f"{module}.{one.name}" for one in node.names)
                if any(one.name == "*" for one in node.names):
                    found.wrong.append(f"line {node.lineno}: all of {module} by a star")
            case ast.Import():
                names |= {one.asname or one.name.partition(".")[0]: one.name for one in node.names}
                found.used.update(one.name for one in node.names)
    return names


def _clients(tree: ast.AST) -> set[str]:
    """Names that stand for a client of Redis: what `.redis` was given to, and parameters of that type."""
    found = {"redis"}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_client(value):
                found.add(name)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = zip(names, values, strict=False)
                found |= {one.id for one, value in pairs if isinstance(one, ast.Name) and _is_client(value)}
            case ast.NamedExpr(target=ast.Name(id=name), value=value) if _is_client(value):
                found.add(name)
            case ast.withitem(context_expr=made, optional_vars=ast.Name(id=name)) if _connects(made):
                found.add(name)
            case ast.arg(arg=name, annotation=ast.expr() as kind) if re.search(
                r"\bRedis\b", ast.unparse(kind)
            ):
                found.add(name)
    return found


def _is_client(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "redis"


def _connects(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and "connect" in ast.unparse(node.func)


def _wrong(node: ast.AST, clients: set[str]) -> Iterator[str]:
    """A client is handed on, and nothing is asked of it; nothing is found by a name that is made."""
    match node:
        case ast.Attribute(value=ast.Attribute(attr="redis"), attr=asked):
            yield f"line {node.lineno}: {asked} is asked of Redis itself"
        case ast.Attribute(value=ast.Name(id=name), attr=asked) if name in clients:
            yield f"line {node.lineno}: {asked} is asked of Redis itself"
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)) if name in _DYNAMIC:
            yield f"line {node.lineno}: {name} finds what does not stand in the code"
        case ast.Attribute(value=ast.Attribute(attr="request"), attr=name) if name in _STATE:
            yield f"line {node.lineno}: {name} of the request"
        case ast.Attribute(value=ast.Name(id="request"), attr=name) if name in _STATE:
            yield f"line {node.lineno}: {name} of the request"
        case ast.Subscript(slice=ast.Constant(value="state" | "app")):
            yield f"line {node.lineno}: {ast.unparse(node)}"
        case ast.Constant(value="redis"):
            yield f"line {node.lineno}: redis as a text"
