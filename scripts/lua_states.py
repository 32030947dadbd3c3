"""States that the Lua names, compared with its table of all: whatever is misspelt moves nothing."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from tree_sitter import Node

from scripts.lua import Problem, Source, text_of, walk

_KINDS = {"JOB": "job", "EXECUTION": "execution", "NOTICE": "notice"}
_FROM, _TO = 4, 5
"""Where a `move` has its states, after kind, team, owner and id."""


def problems(sources: Sequence[Source]) -> Iterator[Problem]:
    known = _table(sources)
    anything = {state for states in known.values() for state in states}
    for source in sources:
        for node in walk(source.root):
            if node.type == "function_call":
                yield from _of_call(source, node, known, anything)
            elif node.type == "table_constructor":
                yield from _of_fields(
                    source, [one.named_children[-1] for one in node.named_children], anything
                )
            elif node.type == "binary_expression" and text_of(node.children[1]) in ("==", "~="):
                yield from _of_comparison(source, node, anything)


def _table(sources: Sequence[Source]) -> dict[str, set[str]]:
    """What `local STATES = { … }` of a part says, by noun."""
    for source in sources:
        for node in walk(source.root) if source.is_part else ():
            if node.type == "assignment_statement" and text_of(node.named_children[0]) == "STATES":
                nouns = node.named_children[1].named_children[0].named_children
                return {text_of(noun.named_children[0]): _texts(noun) for noun in nouns}
    return {}


def _texts(node: Node) -> set[str]:
    return {text_of(one) for one in walk(node) if one.type == "string_content"}


def _of_call(source: Source, node: Node, known: dict[str, set[str]], anything: set[str]) -> Iterator[Problem]:
    function, arguments = node.named_children
    given = arguments.named_children
    if text_of(function) == "move":
        states = known.get(_KINDS.get(text_of(given[0]), ""), anything)
        for state in given[_FROM : _TO + 1]:
            yield from _unknown(source, state, states)
    if text_of(arguments).startswith("('HSET'"):
        yield from _of_fields(source, given, anything)


def _of_fields(source: Source, given: Sequence[Node], anything: set[str]) -> Iterator[Problem]:
    """Names and values of a record, one after the other."""
    for field, value in pairwise(given):
        if text_of(field) == "'state'":
            yield from _unknown(source, value, anything)


def _of_comparison(source: Source, node: Node, anything: set[str]) -> Iterator[Problem]:
    left, right = node.named_children
    if text_of(left).split(".")[-1] == "state":
        yield from _unknown(source, right, anything)


def _unknown(source: Source, state: Node, states: set[str]) -> Iterator[Problem]:
    if state.type == "string" and not _texts(state) <= states:
        yield Problem(source, state, f"{text_of(state)} is no state of STATES")
