"""docs/architecture.md: its rooms hold every module once, and its decisions stand where it says."""

import re
from collections import Counter
from pathlib import Path

import pytest

from shared.schemas.notifications import Channel
from tests.docs.pages import code, tables

ROOT = Path(__file__).parents[2]
TABLES = {table.heading: table for table in tables("architecture.md")}
LINK = re.compile(r"\[[^\]]+\]\(\.\./([^)]+)\)")
ROOMS = {folder[1]: heading for heading in TABLES if (folder := LINK.search(heading))}

OF_A_TABLE: dict[str, set[str]] = {"services/worker/notices": {*Channel}}
"""Modules that another page lists."""


def modules(folder: str) -> set[str]:
    return {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("folder", ROOMS)
def test_every_module_of_a_room_is_named_once(folder: str) -> None:
    named = Counter(name for row in TABLES[ROOMS[folder]].rows for name in code(row["Modules"]))

    assert set(named) == modules(folder) - OF_A_TABLE.get(folder, set())
    assert max(named.values()) == 1


def test_every_room_is_there() -> None:
    packages = {
        path.parent.relative_to(ROOT).as_posix()
        for top in ("services", "shared", "clients")
        for path in (ROOT / top).rglob("*.py")
    }

    assert {*ROOMS} == {package for package in packages if modules(package)}


def test_decisions_are_taken_where_the_page_says() -> None:
    rows = [(row, LINK.search(row["File"])) for row in TABLES["Where each decision is taken"].rows]
    taken = {row["Decision"]: (link[1], code(row["By"])) for row, link in rows if link}

    wrong = [
        (file, name)
        for file, names in taken.values()
        for name in names
        if not re.search(
            rf"(\bdef |\bfunction |\bclass |^){re.escape(name)}\b(\(| = |:)", (ROOT / file).read_text(), re.M
        )
    ]
    assert len(taken) == len(rows) > 25
    assert wrong == []


def test_the_streams_are_those_of_the_records_page() -> None:
    here = {name.split(":")[0] for row in TABLES["Streams"].rows for name in code(row["Stream"])}
    there = {
        name.split(":")[0]
        for table in tables("records.md")
        for row in table.rows
        if row.get("Type") == "stream"
        for name in code(row["Key"])
    }

    assert here == there
