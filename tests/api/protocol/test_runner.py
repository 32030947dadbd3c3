"""What a function of an operation is given, and in which order a request is refused."""

import json
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.types import Message

from services.api.errors import Malformed, Refused
from services.api.runner import Runner
from shared.errors import Forbidden, NotFound, Unauthenticated
from shared.operations import Call, Operation
from shared.schemas.base import Deleted, Schema, Url
from shared.security import tokens
from shared.security.addresses import Policy
from shared.security.admission import Admission
from tests.conftest import VAULT


class Wish(Schema):
    url: Url = "https://a.example/"


class Later(Schema):
    deleted: bool = False


calls: list[tuple[Call, int, Wish]] = []


async def grant(call: Call, cron_id: int, wish: Wish) -> Deleted | Later:
    calls.append((call, cron_id, wish))
    return Later() if cron_id == 7 else Deleted(id=cron_id)


GRANT = Operation(
    "grant",
    "POST",
    "/wishes/{cron_id}",
    "write",
    grant,
    {200: Deleted, 202: Later},
    takes=Wish,
    is_change=True,
    summary="Grant a wish",
)


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


async def asked(
    redis: Redis, operation: Operation, token: str | None, *, id_: str = "3", body: Any = b"", **headers: str
) -> tuple[int, Any]:
    """Status and body of the answer to a request as the server hands it on."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {**({"authorization": f"Bearer {token}"} if token else {}), **headers}
    scope = {
        "type": "http",
        "method": operation.method,
        "path": f"/wishes/{id_}",
        "path_params": {"cron_id": id_},
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "state": {
            "redis": redis,
            "callers": tokens.Callers(redis),
            "admission": Admission(Policy(), VAULT),
            "public_url": "",
        },
        "recuro.request_id": "r-1",
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": content}

    response = await Runner(operation)(Request(scope, receive))
    return response.status_code, json.loads(bytes(response.body))


async def test_a_function_is_given_who_calls_and_by_what(redis: Redis) -> None:
    token = await tokens.create(redis, team="one", name="deploys", scopes=("write",))

    answer = await asked(redis, GRANT, token, body={"url": "https://b.example/"}, idempotency_key="order-7")

    ((call, cron_id, wish),) = calls
    assert answer == (200, {"deleted": True, "id": 3})
    assert (cron_id, wish) == (3, Wish(url="https://b.example/"))
    assert (call.team.id, call.actor, call.token) == (1, "deploys", tokens.digest_of(token)[:12])
    assert (call.interface, call.request_id) == ("rest", "r-1")
    assert call.key
    assert (call.key.team, call.key.text) == (call.team, "order-7")


async def test_the_model_that_is_returned_says_the_status(redis: Redis, token: str) -> None:
    assert await asked(redis, GRANT, token, id_="7", body={"url": "https://b.example/"}) == (
        202,
        {"deleted": False},
    )


async def test_a_request_is_refused_for_its_token_first_and_its_url_last(redis: Redis, token: str) -> None:
    reader = await tokens.create(redis, team="one", name="reader", scopes=("read",))
    wrong: dict[str, Any] = {"id_": "none", "body": b"{", "idempotency_key": "a b"}

    with pytest.raises(Unauthenticated):
        await asked(redis, GRANT, None, **wrong)
    with pytest.raises(Forbidden, match="write scope"):
        await asked(redis, GRANT, reader, **wrong)
    with pytest.raises(NotFound, match="Cron"):
        await asked(redis, GRANT, token, **wrong)
    with pytest.raises(Malformed):
        await asked(redis, GRANT, token, **wrong | {"id_": "3"})
    with pytest.raises(Refused) as refused:
        await asked(redis, GRANT, token, body={"url": "http://10.0.0.1/"}, idempotency_key="a b")
    assert list(refused.value.errors) == ["Idempotency-Key"]
    assert calls == []


async def test_a_change_must_name_a_field(redis: Redis, token: str) -> None:
    with pytest.raises(Refused) as refused:
        await asked(redis, GRANT, token, body={})

    assert refused.value.errors == {"body": ["At least one field is required: url."]}


async def test_no_body_stands_for_what_the_operation_says(redis: Redis, token: str) -> None:
    with_default = replace(GRANT, is_change=False, empty=Wish(url="https://default.example/"))

    await asked(redis, with_default, token)

    ((_, _, wish),) = calls
    assert wish.url == "https://default.example/"


async def test_a_read_takes_no_key(redis: Redis, token: str) -> None:
    await asked(
        redis, replace(GRANT, scope="read"), token, body={"url": "https://b.example/"}, idempotency_key="a b"
    )

    ((call, _, _),) = calls
    assert call.key is None
