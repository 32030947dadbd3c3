"""CONTRIBUTING.md leads where it says, in as many hops as it promises."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import Table, code, tables

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
WALKS = [table for table in tables("../CONTRIBUTING.md") if "Open" in table.rows[0]]
MOST_HOPS = 4


def file_of(cell: str) -> str:
    found = re.search(r"\]\(([^)#]+)", cell)
    return found[1] if found else ""


def test_there_are_three_walks() -> None:
    assert len(WALKS) == 3


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.heading)
def test_a_walk_leads_from_the_readme_to_its_line(walk: Table) -> None:
    opened = [file_of(row["Open"]) for row in walk.rows]

    assert opened[0] == "README.md"
    assert [file_of(row["It leads to"]) for row in walk.rows] == [*opened[1:], ""]
    assert walk.rows[-1]["It leads to"] == "the line"
    assert len(walk.rows) <= MOST_HOPS


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.heading)
def test_what_a_walker_looks_for_stands_in_the_file(walk: Table) -> None:
    for row in walk.rows:
        (text,) = code(row["Look for"])

        assert text in (ROOT / file_of(row["Open"])).read_text(), f"{text} in {row['Open']}"
    (line,) = code(walk.rows[-1]["Look for"])
    assert (ROOT / file_of(walk.rows[-1]["Open"])).read_text().count(line) == 1


def test_paths_that_stand_as_code_are_there_too() -> None:
    named = {
        name
        for name in code(PAGE)
        if re.fullmatch(r"(shared|services|tests|scripts|docs|deploy)/[\w./]+", name)
    }

    assert len(named) > 5
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_targets_of_make_that_it_names_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()

    named = set(re.findall(r"`make ([a-z]+)", PAGE))
    assert {"dev", "test", "check", "fix", "mutants", "faults"} <= named
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.M))


def test_names_in_code_that_it_says_to_change_are_there() -> None:
    places = {
        "shared/settings.py": "class Settings",
        "services/worker/notices/slack.py": "def rendered",
        "tests/writes.py": "TOOL_WRITES",
        "tests/faults/__main__.py": "FAMILIES",
        "tests/faults/clock/edits.py": "BOUNDED",
        "shared/store/transitions/functions.py": "class Function",
        "shared/schemas/notifications.py": "class Channel",
        "services/api/rest/queues.py": "OPERATIONS = (",
    }

    assert [file for file, name in places.items() if name not in (ROOT / file).read_text()] == []
