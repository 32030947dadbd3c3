"""What a transition is given, and the rows it takes, are named alike in Python and in the Lua."""

import ast
import re
from pathlib import Path
from typing import NamedTuple, get_args, get_type_hints

import pytest

from shared.store import transitions

ROOT = Path(__file__).parents[2]
LUA = ROOT / "shared" / "store" / "lua"
_GIVEN = re.compile(r"\bgiven\.(\w+)")
_ROW = re.compile(r"next_(?:row|values)\((\w+)\)")


class Called(NamedTuple):
    """A call of a function of the library in `shared/store/transitions`."""

    function: str
    given: frozenset[str]


def calls() -> list[Called]:
    found = []
    for path in sorted((ROOT / "shared" / "store" / "transitions").rglob("*.py")):
        tree = ast.parse(path.read_text())
        declared = {
            node.targets[0].id: str(node.value.args[0].value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id == "Function"
            and isinstance(node.value.args[0], ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (name := _called(node.func)) in declared:
                given = {one.arg for one in node.keywords if one.arg} - {"write", "step"}
                assert all(one.arg for one in node.keywords), f"{name} is given names that nobody can read"
                found.append(Called(declared[name], frozenset(given)))
    return found


def _called(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


CALLS = calls()
OF_WRITES = {"maker"}
"""What each is given of the write, whatever it is."""


def text_of(function: str) -> str:
    (path,) = LUA.glob(f"*/{function}.lua")
    return path.read_text()


@pytest.mark.parametrize("called", CALLS, ids=lambda called: called.function)
def test_what_is_given_is_read_by_the_lua(called: Called) -> None:
    text = text_of(called.function)
    read = {*_GIVEN.findall(text), *_given_in_parts(text)}

    assert called.given <= read


@pytest.mark.parametrize("function", sorted({called.function for called in CALLS}))
def test_what_the_lua_reads_some_call_gives(function: str) -> None:
    read = set(_GIVEN.findall(text_of(function)))
    given = {name for called in CALLS if called.function == function for name in called.given}

    assert read <= given | OF_WRITES


def _given_in_parts(text: str) -> set[str]:
    """What functions of the parts read, where the text names one of them."""
    found: set[str] = set()
    for part in (LUA / "lib").rglob("*.lua"):
        for name, body in re.findall(
            r"^local function (\w+)\(.*?\)\n(.*?)^end", part.read_text(), re.M | re.S
        ):
            if re.search(rf"\b{name}\(", text):
                found.update(_GIVEN.findall(body))
    return found


def rows() -> dict[str, set[tuple[str, ...]]]:
    """By the name of the constant, what rows there are in the Lua."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for path in LUA.rglob("*.lua"):
        text = path.read_text()
        for name in _ROW.findall(text):
            if declared := re.search(rf"local {name} = \{{(.*?)\}}", text, re.S):
                found.setdefault(name, set()).add(tuple(re.findall(r"'(\w+)'", declared[1])))
    return found


@pytest.mark.parametrize(("name", "shapes"), rows().items())
def test_rows_have_the_fields_of_the_tuple_of_their_name(name: str, shapes: set[tuple[str, ...]]) -> None:
    tuple_ = getattr(transitions, name.title().replace("_", ""))

    assert shapes == {tuple_._fields}


def test_what_a_worker_finishes_has_the_types_of_the_tuple_with_names() -> None:
    finished, detail = (
        tuple(get_type_hints(of).values()) for of in (transitions.Finished, transitions.Detail)
    )

    assert get_args(transitions.FinishedRow) == finished
    assert get_args(transitions.DetailedRow) == finished + detail
