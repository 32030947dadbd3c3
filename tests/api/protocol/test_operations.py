"""The table of operations says of itself what is so."""

import inspect
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest
from httpx import AsyncClient
from jsonschema import Draft202012Validator
from redis.asyncio import Redis
from starlette.routing import Match

from services.api.pages.routes import ROUTES as PAGES
from services.api.routes import OPEN_ROUTES, ROUTES
from services.api.routing import Resource
from services.api.table import OPERATIONS
from shared.actions import alerts
from shared.operations import Call, Operation, admitted
from shared.store.keyspace import Team
from tests.writes import WRITES, Write, do, ready

BY_CALL: dict[tuple[str, str], Operation] = {(one.method, one.path): one for one in OPERATIONS}
READS = [operation for operation in OPERATIONS if not operation.is_write]
TRIED = [write for write in WRITES if (write.method, write.route) in BY_CALL]
BODIES = {"explain-schedule": {"cron_expression": "*/5 * * * *"}, "check-signature": {"headers": {}}}
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


def test_no_two_operations_have_one_name_or_one_call() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(BY_CALL) == len(OPERATIONS)


def test_every_route_is_of_operations_or_open_or_a_page() -> None:
    others = (*OPEN_ROUTES, *PAGES)
    resources = [route.endpoint for route in ROUTES if route not in others]
    served = {
        (method, resource.path)
        for resource in resources
        if isinstance(resource, Resource)
        for method in resource.methods
    }

    assert served == set(BY_CALL)
    assert len(ROUTES) == len(resources) + len(others)


@every_operation
def test_no_route_hides_another(operation: Operation) -> None:
    path = operation.path.format_map({each.name: 1 for each in operation.ids})
    scope = {"type": "http", "method": operation.method, "path": path}

    first = next(route for route in ROUTES if route.matches(scope)[0] is Match.FULL)

    assert first.path == operation.path


@every_operation
def test_a_function_takes_and_returns_what_its_operation_says(operation: Operation) -> None:
    hints = get_type_hints(operation.run)
    returned = hints.pop("return")

    assert list(inspect.signature(operation.run).parameters) == list(hints)
    assert list(hints.values()) == [Call, *[each.type for each in operation.ids], *given(operation)]
    assert list(hints)[1:][: len(operation.ids)] == [each.name for each in operation.ids]
    for model in operation.answers.values():
        assert issubclass(model, get_args(returned) or returned)
    assert all(model in operation.answers.values() for model in get_args(returned) or (returned,))


def given(operation: Operation) -> Iterator[Any]:
    """Of which type the last argument of its function is, if there is one after the ids."""
    if operation.query:
        yield operation.query
    elif operation.takes and operation.prepare is admitted:
        yield operation.takes
    elif operation.takes:
        _, _, taken, _, prepared = get_type_hints(operation.prepare).values()
        assert taken is operation.takes
        yield prepared


@every_operation
def test_only_a_write_changes_by_its_body_or_says_where_to_look(operation: Operation) -> None:
    assert operation.is_write or not (operation.is_change or operation.look or operation.key_parts)
    assert not (operation.takes and operation.query)
    assert operation.scope in ("write", "admin") or operation.method in ("GET", "POST")


@pytest.mark.parametrize("write", TRIED, ids=str)
async def test_a_write_answers_with_a_model_of_its_status(
    client: AsyncClient, redis: Redis, team: Team, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "WAIT_SECONDS", 0.0)

    answer = await do(client, await ready(client, redis, team, write))

    assert slips(BY_CALL[write.method, write.route], answer.status_code, answer.json()) == []


BAD = "http://10.0.0.1/"


def with_url(body: Any) -> Any:
    """The body, with each URL in it one that nothing is sent to."""
    match body:
        case dict():
            return {name: BAD if name == "url" else with_url(value) for name, value in body.items()}
        case list():
            return [with_url(each) for each in body]
    return body


@pytest.mark.parametrize("write", [one for one in TRIED if with_url(one.body) != one.body], ids=str)
async def test_no_write_takes_a_url_that_nothing_is_sent_to(client: AsyncClient, write: Write) -> None:
    answer = await client.request(write.method, write.path, json=with_url(write.body))

    if write.route.endswith("/batch"):
        assert not any(one["success"] for one in answer.json()["results"])
    else:
        assert answer.status_code == 422
    assert "url field cannot be called" in answer.text


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.name)
async def test_a_read_answers_with_a_model_of_its_status(client: AsyncClient, operation: Operation) -> None:
    path = operation.path.format_map({each.name: 1 for each in operation.ids})

    answer = await client.request(operation.method, path, json=BODIES.get(operation.name))

    assert slips(operation, answer.status_code, answer.json()) == []


def slips(operation: Operation, status: int, answered: Any) -> list[str]:
    """In what an answer is not what the operation says."""
    schema = operation.answers[status].model_json_schema(mode="serialization")
    return [error.message for error in Draft202012Validator(schema).iter_errors(answered)]
