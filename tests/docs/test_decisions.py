"""Decisions are numbered without a gap, dated, whole, and all of them stand in the index."""

import re
from datetime import date
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
PAGES = sorted(page for page in FOLDER.iterdir() if page.name != "README.md")
ROW = re.compile(r"^\| \[(\d{4})\]\(([\w-]+\.md)\) \| ([\d-]+) \| (.+) \|$", re.M)
HEAD = re.compile(r"# (\d{4})\. (.+)\n\n(\d{4}-\d\d-\d\d)\n")
PARTS = ("Context", "Choice", "Reason", "Cost")


def head(page: Path) -> tuple[str, str, str]:
    """Its number, title and date."""
    found = HEAD.match(page.read_text())
    assert found, f"{page.name} begins with '# NNNN. Title' and a line with its date"
    return found[1], found[2], found[3]


def test_the_index_has_all_of_them_as_they_call_themselves() -> None:
    rows = ROW.findall((FOLDER / "README.md").read_text())

    assert rows == [(number, page.name, day, title) for page in PAGES for number, title, day in (head(page),)]


def test_the_numbers_have_no_gap_and_follow_the_dates() -> None:
    heads = [head(page) for page in PAGES]

    assert [number for number, _, _ in heads] == [f"{number:04}" for number in range(1, len(PAGES) + 1)]
    assert all(page.name.startswith(f"{number}-") for page, (number, _, _) in zip(PAGES, heads, strict=True))
    days = [date.fromisoformat(day) for _, _, day in heads]
    assert days == sorted(days)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name[:4])
def test_a_decision_says_why_and_at_what_cost(page: Path) -> None:
    parts = re.findall(r"^- \*\*(\w+)\.\*\* \S", page.read_text(), re.M)

    assert tuple(parts) == PARTS
