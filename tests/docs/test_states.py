"""docs/states.md: its tables compared with the text of the Lua, and its drawings against its tables."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import product

import pytest

from tests.docs.lua_calls import calls, reached_by
from tests.docs.lua_writes import ANY, Bound, Command, commands, reading
from tests.docs.pages import DOCS, Table, code, tables
from tests.docs.records import kind_of

PAGE = "states.md"
TABLES = {table.heading: table for table in tables(PAGE)}
KINDS = {
    "j": "Jobs",
    "e": "Executions",
    "n": "Notices",
    "replay": "Replays",
    "backfill": "Backfills",
    "bulk": "Changes of many",
}
"""Whose states stand in a field of their own."""
GONE, NOTHING = "nothing", "nothing"
Moves = set[tuple[str, str, str]]
"""From, to, by whom."""


def states(cell: str) -> list[str]:
    return cell.split(", ")


def moves(table: Table) -> Moves:
    return {
        move
        for row in table.rows
        for move in product(states(row["From"]), states(row["To"]), code(row["Moved by"]))
    }


def written(command: Command) -> Iterator[str]:
    """To which states it moves the record that is its key."""
    if command.name == "DEL":
        yield GONE
    if command.name == "HSET":
        texts = reading().texts
        for field, value in zip(command.arguments[0::2], command.arguments[1::2], strict=False):
            if "state" in texts(field):
                yield from texts(value)


@cache
def found_in_lua() -> dict[str, set[tuple[str, str]]]:
    """By kind of record, to which state whom moves it; at ANY that of jobs, executions or notices."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for command in commands():
        for state in written(command):
            found[kind_of(command.key)].add((state, command.by))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_has_each_state_that_somebody_moves_a_record_to(kind: str) -> None:
    found, told = found_in_lua(), {(to, by) for _, to, by in moves(TABLES[KINDS[kind]])}
    of_any = found[ANY] if kind in "jen" else set()

    assert found[kind] - told == set(), "moves that the table has not"
    assert told - found[kind] - of_any == set(), "moves that nothing makes"
    assert ANY not in {to for to, _ in found[kind]}


def test_what_moves_records_of_any_kind_stands_in_a_table() -> None:
    told = {(to, by) for kind in "jen" for _, to, by in moves(TABLES[KINDS[kind]])}

    assert found_in_lua()[ANY] - told == set()


def users(kind: str, names: tuple[str, ...], field: str | None = None) -> set[str]:
    return {
        command.by
        for command in commands()
        if command.name in names and kind_of(command.key) == kind
        if field is None or any(field in reading().texts(one) for one in command.arguments)
    }


def test_the_tables_of_queues_and_crons_name_all_who_move_them() -> None:
    queues = users("q", ("HSET",), "is_active") | users("q", ("DEL",))
    crons = users("c", ("HSET",), "is_active") | users("c", ("HDEL",), "next") | users("c", ("DEL",))

    assert {by for _, _, by in moves(TABLES["Queues"])} == queues
    assert {by for _, _, by in moves(TABLES["Crons"])} == crons
    assert {to for _, to, by in moves(TABLES["Crons"]) if by in users("c", ("HDEL",), "next")} >= {"ended"}


def texts_of(state: Bound) -> frozenset[str]:
    return frozenset((NOTHING,)) if state.node.type == "nil" else reading().texts(state)


def test_what_the_lua_says_of_where_a_move_begins_stands_in_the_table() -> None:
    found = {
        (kind, begins, ends, by)
        for by, given in calls("move")
        for kind, begins, ends in product(*map(texts_of, (given[0], given[4], given[5])))
        if ANY not in (kind, begins) and not by.startswith("remove_")
    }

    assert {("e", "pending", "skipped", "miss_ping"), ("j", "dead_lettered", "failed", "replay_job")} <= found
    assert {one for one in found if one[1:] not in moves(TABLES[KINDS[one[0]]])} == set()


@pytest.mark.parametrize("heading", TABLES)
def test_the_transitions_that_a_row_names_lead_to_who_moves_it(heading: str) -> None:
    wrong = []
    for row in TABLES[heading].rows:
        for transition in code(row["In"]):
            reached = reached_by(transition)
            if not reached & {*code(row["Moved by"])}:
                wrong.append((transition, row["Moved by"]))

    assert wrong == []


@pytest.mark.parametrize("heading", TABLES)
def test_the_drawing_says_what_the_table_says(heading: str) -> None:
    (drawing,) = re.findall(
        rf"^## {heading}\n.*?^```mermaid\n(.*?)^```", (DOCS / PAGE).read_text(), re.M | re.S
    )
    drawn = {
        (NOTHING if begins == "[*]" else begins, GONE if ends == "[*]" else ends)
        for begins, ends in re.findall(r"^ +(\S+) --> (\S+)$", drawing, re.M)
    }

    assert drawn == {(begins, ends) for begins, ends, _ in moves(TABLES[heading]) if begins != "any"}


def test_every_noun_has_its_table() -> None:
    assert list(TABLES) == [
        "Jobs",
        "Executions",
        "Notices",
        "Replays",
        "Backfills",
        "Changes of many",
        "Queues",
        "Crons",
    ]
