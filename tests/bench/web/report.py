"""The page of docs/ that two measurements share, each with a part of its own."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from tests.bench import pages

PAGE = pages.DOCS / "benchmarks-pages.md"
HEAD = (
    "# Benchmarks of the pages\n\nWhat a page costs the server, and what it costs to look at one for long.\n"
)


class Part(StrEnum):
    """By the heading that it begins with."""

    SERVED = "## How long the server takes for a page"
    LIVE = "## Live for minutes"

    @property
    def page(self) -> Path:
        return PAGE


def put(part: Part, text: str, output: Path | None, missing: Sequence[str]) -> None:
    """Print it; a full run puts it into the place of the old one, and leaves the other as it is."""
    others = [one for one in _parts() if not one.startswith(part)]
    whole = [one for name in Part for one in (text, *others) if one.startswith(name)]
    pages.put("\n".join((HEAD, *(f"{one.strip()}\n" for one in whole))), PAGE, output, missing)


def _parts() -> list[str]:
    if not PAGE.exists():
        return []
    return [f"## {one}" for one in PAGE.read_text().split("\n## ")[1:]]
