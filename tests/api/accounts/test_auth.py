"""Who may do what, for every operation there is."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis

from services.api.table import OPERATIONS
from shared.errors import NoToken, Unauthenticated
from shared.operations import Operation
from shared.security import tokens
from shared.security.brake import BURST
from shared.settings import Settings
from tests import lost, writes
from tests.api.serving import serving

BODIES = {
    "update-member": {"role": "member"},
    "update-job": {"at": "2027-01-01T09:00:00Z"},
    "backfill-cron": writes.PAST,
    "update-problem": {"state": "resolved"},
    "quiet-alert": {},
    "resend-alert": {"channel": "slack"},
    "pause-queue-key": {"key": "a"},
    "resume-queue-key": {"key": "a"},
}
# Every team has a token with the id 1: tests/api/accounts/test_tokens.py tries those.
OF_NO_TOKEN = [operation for operation in OPERATIONS if not operation.path.startswith("/api/tokens")]
WITH_ID = [operation for operation in OF_NO_TOKEN if any(each.type is int for each in operation.ids)]
LISTS = [operation for operation in OF_NO_TOKEN if operation.name.startswith("list-") and not operation.ids]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


def path_of(operation: Operation) -> str:
    """Its path with the id 1 wherever an id goes."""
    return operation.path.format_map({each.name: 1 for each in operation.ids})


@every_operation
async def test_without_a_token_nothing_is_answered(anonymous: AsyncClient, operation: Operation) -> None:
    answer = await anonymous.request(operation.method, path_of(operation), content=b"{not even JSON")

    assert answer.status_code == 401
    assert answer.json() == {"error": "Missing authorization token", "message": NoToken.hint}
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-request-id"]


@every_operation
async def test_an_unknown_token_opens_nothing(anonymous: AsyncClient, operation: Operation) -> None:
    answer = await ask(anonymous, operation, "rc_wrong")

    assert answer.status_code == 401
    assert answer.json() == {"error": "Invalid authorization token", "message": Unauthenticated.hint}
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_who_guesses_tokens_is_told_to_wait(settings: Settings) -> None:
    with serving(settings) as api:
        async with AsyncClient(base_url=api, timeout=30, verify=False) as client:
            guesses = (
                client.get("/api/jobs", headers={"Authorization": f"Bearer rc_{number}"})
                for number in range(2 * BURST)  # at once: meanwhile a brake lets hardly one more pass
            )
            answers = await asyncio.gather(*guesses)

    braked = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers].count(401) == 2 * BURST - len(braked) >= BURST
    assert "wait" in braked[0].json()["error"]
    assert "Retry-After" in braked[0].json()["message"]
    assert 1 <= int(braked[0].headers["retry-after"]) <= 60


@pytest.mark.parametrize("value", ["", "Bearer", "Basic dXNlcjpwYXNz", "rc_alone"])
async def test_another_scheme_is_no_token(anonymous: AsyncClient, value: str) -> None:
    answer = await anonymous.get("/api/jobs", headers={"Authorization": value})

    assert answer.status_code == 401
    assert answer.json() == {"error": "Missing authorization token", "message": NoToken.hint}


async def test_the_scheme_is_read_in_any_case(anonymous: AsyncClient, token: str) -> None:
    answer = await anonymous.get("/api/jobs", headers={"Authorization": f"bearer {token}"})

    assert answer.status_code == 200


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("operation", WITH_ID, ids=lambda operation: operation.name)
async def test_an_id_of_another_team_means_nothing(stranger: AsyncClient, operation: Operation) -> None:
    body = BODIES.get(operation.name, {"name": "mine"})

    answer = await stranger.request(operation.method, path_of(operation), json=body)

    assert (answer.status_code, answer.json()) == (404, {"error": f"{operation.ids[0].noun} not found"})


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.name)
async def test_lists_of_another_team_are_empty(stranger: AsyncClient, operation: Operation) -> None:
    answer = await stranger.get(operation.path)

    assert answer.status_code == 200
    page: dict[str, object] = {"current_page": 1, "last_page": 1, "per_page": 25, "total": 0}
    body = answer.json()
    if operation.name == "list-alerts":
        page["open"] = 0
    if operation.name == "list-all-executions":
        page |= {"to": body["to"], "looked_from": None, "looked_to": None}
    assert body == {"data": [], **({"next": None} if operation.name == "list-audit" else page)}


@pytest.mark.usefixtures("things")
@every_operation
async def test_a_reader_reads_and_changes_nothing(
    anonymous: AsyncClient, redis: Redis, operation: Operation
) -> None:
    reader = await tokens.create(redis, team="one", name="reader", scopes=("read",))
    before = await lost.everything(redis)

    answer = await ask(anonymous, operation, reader)

    if operation.scope == "read":
        assert answer.status_code in ((400,) if operation.takes else operation.answers)  # without a body
    else:
        assert answer.status_code == 403
        assert answer.json()["error"] == f"The token lacks the {operation.scope} scope"
        assert answer.json()["message"].startswith("Use a token with the needed scope.")
    assert await lost.everything(redis) == before


@pytest.mark.usefixtures("things")
@every_operation
async def test_a_writer_may_do_everything_here_but_what_is_an_admins(
    anonymous: AsyncClient, redis: Redis, operation: Operation
) -> None:
    writer = await tokens.create(redis, team="one", name="writer", scopes=("write",))

    answer = await ask(anonymous, operation, writer, json={})

    allowed = (*operation.answers, 409, 422)  # or what is there, or was sent, does not allow it
    assert answer.status_code in ((403,) if operation.scope == "admin" else allowed)


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("scope", tokens.SCOPES)
async def test_a_scope_covers_what_the_table_says(anonymous: AsyncClient, redis: Redis, scope: str) -> None:
    token = await tokens.create(redis, team="two", name=scope, scopes=(scope,))
    covered = tokens.SCOPES[: tokens.SCOPES.index(scope) + 1]

    refused = {
        operation.name
        for operation in OPERATIONS
        if (await ask(anonymous, operation, token, content=b"{")).status_code == 403
    }

    assert refused == {operation.name for operation in OPERATIONS if operation.scope not in covered}


async def ask(client: AsyncClient, operation: Operation, token: str, **given: Any) -> Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await client.request(operation.method, path_of(operation), headers=headers, **given)
