"""Tables of pages, read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True, slots=True)
class Table:
    """One that stands below a heading; its cells by the names of its columns."""

    heading: str
    rows: tuple[dict[str, str], ...]


def tables(page: str) -> Iterator[Table]:
    heading = ""
    for part in re.findall(r"^##+ .+|(?:^\|.*\n)+", (DOCS / page).read_text() + "\n", re.M):
        if part.startswith("#"):
            heading = part.lstrip("# ")
            continue
        head, _, *rows = (cells(line) for line in part.splitlines())
        yield Table(heading, tuple(dict(zip(head, row, strict=True)) for row in rows))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def code(cell: str) -> list[str]:
    """What stands in it as code."""
    return re.findall(r"`([^`]+)`", cell)
