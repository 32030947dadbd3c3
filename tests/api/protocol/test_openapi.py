"""The OpenAPI document: valid, frozen in docs/, complete, and true of what the API takes and answers."""

import json
from typing import Any

import pytest
from httpx import AsyncClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from redis.asyncio import Redis

from scripts import openapi
from services.api.openapi import errors
from services.api.openapi.document import document
from services.api.routes import OPEN_ROUTES
from services.api.routing import Resource
from services.api.table import OPERATIONS
from shared.actions import alerts
from shared.operations import Operation
from shared.store.keyspace import Team
from tests.api import described
from tests.writes import WRITES, ready

DOCUMENT = document()
WITH_BODY = [one for one in OPERATIONS if one.takes]
OF_PAGES = ("/docs", "/docs/{name}", "/openapi.json")


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, said)
        for path, methods in DOCUMENT["paths"].items()
        for method, said in methods.items()
    ]


def test_it_is_valid() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_the_frozen_file_is_that_of_this_code() -> None:
    assert openapi.FROZEN.read_text() == openapi.text(), "run `make openapi`"


def test_it_has_every_route() -> None:
    served = {
        (method.lower(), route.path.replace(":int", ""))
        for route in OPEN_ROUTES
        if isinstance(route.endpoint, Resource) and route.path not in OF_PAGES
        for method in route.endpoint.methods
    }
    served |= {(one.method.lower(), one.path) for one in OPERATIONS}

    assert {(method, path) for method, path, _ in operations()} == served


def test_names_are_unique_and_every_tag_is_listed() -> None:
    names = [said["operationId"] for _, _, said in operations()]

    assert len(set(names)) == len(names)
    assert {tag for _, _, said in operations() for tag in said["tags"]} == {
        tag["name"] for tag in DOCUMENT["tags"]
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_an_operation_says_its_scope_and_takes_a_key_if_it_writes(operation: Operation) -> None:
    said = DOCUMENT["paths"][operation.path][operation.method.lower()]
    headers = [one["name"] for one in map(described.resolved, said["parameters"]) if one["in"] == "header"]

    assert said["security"] == [{"token": [operation.scope]}]
    assert ("Idempotency-Key" in headers) == operation.is_write


@pytest.mark.parametrize("operation", [one for one in WITH_BODY if not one.empty], ids=lambda one: one.name)
def test_what_must_have_a_body_has_an_example(operation: Operation) -> None:
    assert operation.example


@pytest.mark.parametrize("operation", [one for one in WITH_BODY if one.example], ids=lambda one: one.name)
async def test_an_example_is_taken(
    client: AsyncClient, redis: Redis, team: Team, operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "WAIT_SECONDS", 0.0)  # no worker is there to bring an outcome
    writes = [one for one in WRITES if (one.method, one.route) == (operation.method, operation.path)]
    path = (await ready(client, redis, team, writes[0])).path if writes else operation.path

    answer = await client.request(operation.method, path, json=operation.example)

    assert answer.status_code in operation.answers, answer.text


@pytest.mark.parametrize("status", errors.EXAMPLES)
def test_an_example_of_an_error_has_the_shape_of_one(status: int) -> None:
    ref = f"#/components/schemas/{errors.model_of(status).__name__}"

    assert [*described.validator(ref).iter_errors(errors.EXAMPLES[status])] == []


async def test_errors_are_as_their_examples(client: AsyncClient, anonymous: AsyncClient) -> None:
    answers = [
        await client.post("/api/jobs", content=b'{"queue"', headers={"Content-Type": "application/json"}),
        await anonymous.get("/api/jobs"),
        await client.get("/api/crons/9"),
        await client.post("/api/jobs", json={"queue": "mail"}),
    ]

    assert {answer.status_code: answer.json() for answer in answers} == {
        status: errors.EXAMPLES[status] for status in (400, 401, 404, 422)
    }


async def test_it_is_served_and_shown_without_a_token(anonymous: AsyncClient) -> None:
    served, page = await anonymous.get("/openapi.json"), await anonymous.get("/docs")

    assert served.json() == json.loads(openapi.FROZEN.read_text())
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self';" in page.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css", "start.js"])
async def test_the_page_loads_only_what_is_served(anonymous: AsyncClient, name: str) -> None:
    page, file = await anonymous.get("/docs"), await anonymous.get(f"/docs/{name}")

    assert f'"/docs/{name}"' in page.text
    assert file.status_code == 200
    assert "sourceMappingURL" not in file.text
    assert page.text.count("src=") + page.text.count("stylesheet") == 3


@pytest.mark.parametrize("name", ["LICENSE", "pages.py", "..%2Fpages.py", "%2e%2e%2fmain.py"])
async def test_no_other_file_is_served(anonymous: AsyncClient, name: str) -> None:
    assert (await anonymous.get(f"/docs/{name}")).status_code == 404
