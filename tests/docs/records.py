"""docs/records.md, read: which records and keys there are, and where a field or key belongs in it."""

import re
from collections.abc import Callable, Iterator

from tests.docs.lua_writes import ANY
from tests.docs.pages import Table, code, tables

PAGE = "records.md"
WORK = ("j", "e", "n")


def kind_of(key: str) -> str:
    kind = key.partition(":")[0]
    return ANY if ANY in kind else kind


HASHES = [
    table
    for table in tables(PAGE)
    if table.rows and "Field" in table.rows[0] and "Stream" not in table.rows[0]
]
OTHERS = [table for table in tables(PAGE) if table.rows and "Key" in table.rows[0]]
KEYS = [row for table in OTHERS for row in table.rows if "global" not in table.heading]
GLOBAL = [row for table in OTHERS for row in table.rows if "global" in table.heading]


def kinds(table: Table) -> list[str]:
    return [key.partition(":")[0] for key in code(table.heading)]


def pattern(name: str) -> re.Pattern[str]:
    """`late:<bound>` stands for whatever begins with `late:`."""
    return re.compile(
        "".join(".+" if part.startswith("<") else re.escape(part) for part in re.split(r"(<[^>]+>)", name))
    )


def rows_of(kind: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Of the records of a kind: the field, the plainest first, and its row."""
    for table in HASHES:
        if kind in kinds(table):
            named = [
                (code(row["Field"])[0], row) for row in table.rows if kind in row.get("Of", kind).split()
            ]
            yield from sorted(named, key=lambda one: one[0].count("<"))


def place_of(kind: str, field: str) -> str | None:
    """The row that the field belongs to."""
    return next((name for name, _ in rows_of(kind) if pattern(name).fullmatch(field)), None)


def documented(column: str) -> Iterator[tuple[str, list[str], set[str]]]:
    """Of each row: its field, its kinds, and who stands in that column."""
    for table in HASHES:
        for row in table.rows:
            of = row["Of"].split() if "Of" in row else kinds(table)
            yield code(row["Field"])[0], of, set(code(row[column]))


def rows_of_key(key: str) -> list[str]:
    """The rows that a key may belong to: the plainest that fits, or all that may be meant by it."""
    rows = sorted((code(row["Key"])[0] for row in KEYS), key=lambda one: one.count("<"))
    if fits := [
        row for row in rows if all_alike(row, key, lambda part, of_key: placeholder(part).fullmatch(of_key))
    ]:
        return fits[:1]
    if may := [row for row in rows if all_alike(row, key, may_be)]:
        return may
    of_kind = [row for row in rows if kind_of(row) == kind_of(key)]
    return of_kind if len(of_kind) == 1 else []


def all_alike(row: str, key: str, is_alike: Callable[[str, str], object]) -> bool:
    parts, of_key = row.split(":"), key.split(":")
    return len(parts) == len(of_key) and all(map(is_alike, parts, of_key))


def may_be(part: str, of_key: str) -> object:
    """`c<cron>` may be meant by what nobody can tell, `alerts` may not."""
    return placeholder(part).fullmatch(of_key) or ("<" in part and set(of_key) == {ANY})


def placeholder(part: str) -> re.Pattern[str]:
    return re.compile(re.sub("<[^>]+>", ".+", part))
