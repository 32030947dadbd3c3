"""Check the shape of the code, Python and Lua: nothing grows beyond its bounds; `make check` runs it.

Of the tests only how many files their folders hold.

What was beyond them when the check came stands in shape_offenders.txt, as `file: rule: count`. A count
may only fall, and whoever lowers one lowers it there too: `python -m scripts.check_shape --lower`.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from scripts import lua

ROOT = Path(__file__).parents[1]
OFFENDERS = Path(__file__).parent / "shape_offenders.txt"
TOPS = ("services", "shared", "scripts", "clients")
MOST_LINES_OF_A_FUNCTION, MOST_FILES, MOST_ARGUMENTS, MOST_ARGV = 40, 20, 6, 3
MOST_LINES = {".py": 300, ".lua": 120}
KINDS = frozenset("abcejnqrx")
"""Letters that stand for a kind of record or key."""
RULES = {
    "function": f"functions of more than {MOST_LINES_OF_A_FUNCTION} lines",
    "file": "lines of a file that has too many (300 of Python, 120 of Lua)",
    "folder": f"code files of a folder that has more than {MOST_FILES}",
    "arguments": f"calls with more than {MOST_ARGUMENTS} positional arguments",
    "ARGV": f"ARGV[n] with n > {MOST_ARGV}: arguments that have no name",
    "fields": "fields[n]: fields of a record that are read by their place",
    "kind": "kinds of one letter",
}
NOT_MEANT = {
    ("shared/basics/words.py", "kind"),  # `q` is what somebody may have called `search`
    ("shared/schemas/kinds.py", "kind"),  # which names them
    ("shared/store/lua/lib/call/kinds.lua", "kind"),  # likewise
    ("shared/schedule/suggestions.py", "fields"),  # of an expression, which has no names for them
}
Counts = Counter[tuple[str, str]]
"""By file and rule."""


def counts(root: Path) -> Counts:
    found: Counts = Counter()
    files = sorted(file for top in TOPS for file in (root / top).rglob("*") if file.suffix in MOST_LINES)
    for file in files:
        name = file.relative_to(root).as_posix()
        rules = _of_python(file) if file.suffix == ".py" else _of_lua(file)
        found.update((name, rule) for rule in rules)
        lines = len(file.read_text().splitlines())
        if lines > MOST_LINES[file.suffix]:
            found[name, "file"] = lines
    tests = [file for file in sorted((root / "tests").rglob("*.py")) if "node_modules" not in file.parts]
    folders = Counter(file.parent.relative_to(root).as_posix() for file in [*files, *tests])
    found.update({(folder, "folder"): many for folder, many in folders.items() if many > MOST_FILES})
    return Counter({place: count for place, count in found.items() if place not in NOT_MEANT})


def _of_python(file: Path) -> Iterator[str]:
    """A rule for each time that the file breaks it."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION:
                    yield "function"
            case ast.Call() if len(node.args) > MOST_ARGUMENTS:
                yield "arguments"
            case ast.Subscript(value=ast.Name(id="fields"), slice=ast.Constant(value=int())):
                yield "fields"
            case ast.Constant(value=str(text)) if text in KINDS:
                yield "kind"


def _of_lua(file: Path) -> Iterator[str]:
    root = lua.parse(file.stem, file).root
    records = {"fields", *_named_for_records(root)}
    for node in lua.walk(root):
        match node.type:
            case "function_declaration" | "function_definition":
                if node.end_point.row - node.start_point.row >= MOST_LINES_OF_A_FUNCTION:
                    yield "function"
            case "function_call" if _has_many_arguments(node):
                yield "arguments"
            case "bracket_index_expression":
                yield from _of_index(*map(lua.text_of, node.named_children), records)
            case "string_content" if lua.text_of(node) in KINDS:
                yield "kind"
            case "field" if lua.text_of(node.named_children[0]) in KINDS:
                yield "kind"


def _named_for_records(root: Node) -> Iterator[str]:
    """Names to which what HMGET returns is assigned."""
    for node in lua.walk(root):
        if node.type == "assignment_statement":
            names, values = (child.named_children for child in node.named_children)
            for name, value in zip(names, values, strict=False):
                if "('HMGET'," in lua.text_of(value):
                    yield lua.text_of(name)


def _has_many_arguments(call: Node) -> bool:
    """Of what is not a command of Redis, whose arguments are its own."""
    function, arguments = call.named_children
    is_command = lua.text_of(function) in ("call", "redis.call", "redis.pcall", "fields_of", "values_of")
    return len(arguments.named_children) > MOST_ARGUMENTS and not is_command


def _of_index(of: str, index: str, records: set[str]) -> Iterator[str]:
    if not index.isdigit():
        return
    if of == "ARGV" and int(index) > MOST_ARGV:
        yield "ARGV"
    elif of in records:
        yield "fields"


def allowed(offenders: str) -> Counts:
    """Read from the text of the list."""
    rows = (line.split(": ") for line in offenders.splitlines() if line and not line.startswith("#"))
    return Counter({(file, rule): int(count) for file, rule, count in rows})


def problems(found: Counts, listed: Counts) -> Iterator[str]:
    for file, rule in sorted(found.keys() | listed.keys()):
        now, before = found[file, rule], listed[file, rule]
        if now > before:
            yield f"{file}: {now} {RULES.get(rule, rule)}; no more than {before} may be there"
        elif now < before:
            less = f"{OFFENDERS.name} still says {before}: run python -m scripts.check_shape --lower"
            yield f"{file}: {now} {RULES.get(rule, rule)}; {less}"


def lowered(found: Counts, offenders: str) -> str:
    """The list with each count as it is now, where that is less; what is gone is left out."""
    head = [line for line in offenders.splitlines() if line.startswith("#")]
    left = {place: min(count, found[place]) for place, count in allowed(offenders).items()}
    rows = [f"{file}: {rule}: {count}" for (file, rule), count in sorted(left.items()) if count]
    return "\n".join((*head, *rows, ""))


def main() -> None:
    """Exit with 1 if something grew, or is less than the list says."""
    found, offenders = counts(ROOT), OFFENDERS.read_text()
    if "--lower" in sys.argv[1:]:
        offenders = lowered(found, offenders)
        OFFENDERS.write_text(offenders)
    said = list(problems(found, allowed(offenders)))
    for problem in said:
        print(f"shape: {problem}", file=sys.stderr)
    if said:
        sys.exit(1)
    print(f"shape: nothing grew; {len(allowed(offenders))} old offenders are left")


if __name__ == "__main__":
    main()
