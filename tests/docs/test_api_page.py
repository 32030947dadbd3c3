"""docs/api.md: its tables are those of the application."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import get_args

import pytest

from services.api.routes import OPEN_ROUTES
from services.api.routing import Resource
from services.api.table import OPERATIONS
from shared.operations import Operation
from shared.schemas.base import Schema
from tests.docs.pages import DOCS, code, tables

PAGE = (DOCS / "api.md").read_text()
TABLES = {table.heading: table.rows for table in tables("api.md")}
ROWS = {code(row["Operation"])[0]: row for row in TABLES["Operations"]}
NOTHING = "-"


def taken(operation: Operation) -> type[Schema] | None:
    return operation.takes or operation.query


def test_every_operation_has_one_row_and_every_row_an_operation() -> None:
    said = [
        (*code(row["Call"])[0].split(), *code(row["Operation"]), row["Scope"]) for row in TABLES["Operations"]
    ]

    assert sorted(said) == sorted((one.method, one.path, one.name, one.scope) for one in OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_row_says_what_is_taken_and_answered(operation: Operation) -> None:
    row, model = ROWS[operation.name], taken(operation)

    answers = {int(status): name for status, name in re.findall(r"(\d{3}) `([\w[\]]+)`", row["Answers"])}
    assert row["Takes"].partition(":")[0] == (f"`{model.__name__}`" if model else NOTHING)
    assert answers == {status: model.__name__ for status, model in operation.answers.items()}


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.query], ids=lambda one: one.name)
def test_what_a_row_says_of_a_query_is_there(operation: Operation) -> None:
    _, *named = code(ROWS[operation.name]["Takes"])
    given = dict(name.partition("=")[::2] for name in named)
    assert operation.query
    fields = {field.alias or name: field for name, field in operation.query.model_fields.items()}

    assert given.keys() <= fields.keys()
    assert ("filter" in given) == ("filter" in fields)
    if "filter" in fields:
        of = fields["filter"].annotation
        (choices,) = [
            one for one in (of, *get_args(of)) if isinstance(one, type) and issubclass(one, StrEnum)
        ]
        assert given["filter"].split("\\|") == [one.value for one in choices]


def test_what_may_warn_is_said() -> None:
    (sentence,) = re.findall(r"\*\*`warnings`\*\*.*?\n\n", PAGE, re.S)
    _, _, named = sentence.rpartition("They may stand in the answers of ")

    assert set(code(named)) == {one.name for one in OPERATIONS if one.may_warn}


def test_every_route_without_a_token_stands_in_its_table() -> None:
    routes = [route.endpoint for route in OPEN_ROUTES]
    served = {
        (method, resource.path.replace(":int", ""))
        for resource in routes
        if isinstance(resource, Resource)
        for method in resource.methods
    }

    assert served == {call for row in TABLES["Without a token"] for call in calls(row["Call"])}


def calls(cell: str) -> Iterator[tuple[str, str]]:
    """`GET`, `POST /path` are two calls of one path."""
    methods: list[str] = []
    for method, *path in (text.split() for text in code(cell)):
        methods.append(method)
        if path:
            yield from ((each, path[0]) for each in methods)
            methods.clear()
