"""Who calls whom in the Lua."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from scripts.lua import FUNCTIONS, text_of, walk
from tests.docs.lua_writes import Bound, author, reading


def calls(function: str) -> Iterator[tuple[str, list[Bound]]]:
    """Who calls it, and with what."""
    for source in reading().sources:
        for node in walk(source.root):
            if node.type == "function_call" and text_of(node.named_children[0]) == function:
                given = node.named_children[1].named_children
                yield author(source, node), list(reading().expanded(source, given))


def reached_by(transition: str) -> set[str]:
    """The functions of the library that it may call, and those that these may."""
    reached, new = {transition}, {transition}
    while new:
        new = {named for by in new for named in _named()[by]} - reached
        reached |= new
    return reached


@cache
def _named() -> dict[str, set[str]]:
    """By function or transition, the functions that its text names."""
    found: dict[str, set[str]] = defaultdict(set)
    for source in reading().sources:
        for node in walk(source.root):
            if node.type == "dot_index_expression" or (
                node.type == "identifier"
                and any(body.type in FUNCTIONS for body in reading().bodies(source, node))
            ):
                found[author(source, node)].add(text_of(node))
    return found
