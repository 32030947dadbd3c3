"""docs/glossary.md: in order, each word once, and each where the page says."""

from pathlib import Path

from tests.docs.pages import code, tables

ROOT = Path(__file__).parents[2]
WORDS, OTHER = tables("glossary.md")


def test_the_words_are_in_order_and_stand_once() -> None:
    words = [row["Word"] for row in WORDS.rows]

    assert words == sorted(set(words))
    assert len(words) > 50


def test_every_file_that_it_names_is_there() -> None:
    files = [name for table in (WORDS, OTHER) for row in table.rows for name in code(row["Where"])]

    assert [name for name in files if not (ROOT / name).exists()] == []


def test_what_code_says_in_another_way_stands_in_that_code() -> None:
    wrong = [
        (name, row["Where"])
        for row in OTHER.rows
        for name in code(row["In code today"])
        for file in code(row["Where"])
        if name not in (ROOT / file).read_text()
    ]

    assert wrong == []
