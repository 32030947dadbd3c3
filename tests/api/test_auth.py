"""Who may do what, for every route there is."""

from collections.abc import Iterator

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.api.main import ROUTES
from services.api.routing import Resource
from services.worker.intake.claims import Claims
from services.worker.work import Fail, Result
from shared import keyspace, tokens
from shared.brake import BURST
from shared.settings import Settings
from tests.api.serving import serving

OPEN = {"/healthz", "/readyz"}
PING = "/ping/"
EXPLAIN = "/api/crons/explain"
CRON = {"name": "Tidy", "url": "https://example.com", "cron_expression": "0 0 1 1 *"}
JOB = {"queue": "mail", "url": "https://example.com"}


def needs(method: str, path: str) -> str:
    """The scope of a call: settings of the team are an admin's."""
    if method == "GET" or path == EXPLAIN:
        return "read"
    return "admin" if path.startswith("/api/settings/") else "write"


def calls() -> Iterator[tuple[str, str]]:
    """Method and path of everything that needs a token, with the id 1 wherever an id goes."""
    for route in ROUTES:
        assert isinstance(route.endpoint, Resource)
        for method in route.endpoint.methods:
            if route.path not in OPEN and not route.path.startswith(PING):
                yield (
                    method,
                    "/".join("1" if part.startswith("{") else part for part in route.path.split("/")),
                )


CALLS = sorted(calls())
WITH_ID = [(method, path) for method, path in CALLS if "/1" in path]
NO_LISTS = ("/api/settings/", "/api/usage")
LISTS = [
    path for method, path in CALLS if method == "GET" and "/1" not in path and not path.startswith(NO_LISTS)
]


@pytest.fixture
async def things(client: AsyncClient, redis: Redis) -> None:
    """One of each noun in team 1, each with the id 1."""
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")
    worker = Claims(redis, keyspace.SHARDS[0], "w")
    await worker.finish([Result(work, Fail(), "", "", "timeout") for work in await worker.claim(1)])
    await client.post("/api/jobs", json=JOB)
    await client.post("/api/dead-letters/replay", json={"all": True})


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_without_a_token_nothing_is_answered(anonymous: AsyncClient, method: str, path: str) -> None:
    answer = await anonymous.request(method, path, content=b"{not even JSON")

    assert (answer.status_code, answer.json()) == (401, {"error": "Missing authorization token"})
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_an_unknown_token_opens_nothing(anonymous: AsyncClient, method: str, path: str) -> None:
    answer = await anonymous.request(method, path, headers={"Authorization": "Bearer rc_wrong"})

    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid authorization token"})
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_who_guesses_tokens_is_told_to_wait(settings: Settings) -> None:
    with serving(settings) as api:
        async with AsyncClient(base_url=api, verify=False) as client:
            answers = [
                await client.get("/api/jobs", headers={"Authorization": f"Bearer rc_{number}"})
                for number in range(BURST + 1)
            ]

    assert [answer.status_code for answer in answers] == [401] * BURST + [429]
    assert "wait" in answers[-1].json()["error"]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


@pytest.mark.parametrize("value", ["", "Bearer", "Basic dXNlcjpwYXNz", "rc_alone"])
async def test_another_scheme_is_no_token(anonymous: AsyncClient, value: str) -> None:
    answer = await anonymous.get("/api/jobs", headers={"Authorization": value})

    assert (answer.status_code, answer.json()) == (401, {"error": "Missing authorization token"})


async def test_the_scheme_is_read_in_any_case(anonymous: AsyncClient, token: str) -> None:
    answer = await anonymous.get("/api/jobs", headers={"Authorization": f"bearer {token}"})

    assert answer.status_code == 200


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize(("method", "path"), WITH_ID)
async def test_an_id_of_another_team_means_nothing(stranger: AsyncClient, method: str, path: str) -> None:
    answer = await stranger.request(method, path, json={"name": "mine"})

    noun = path.partition("/1")[0].rpartition("/")[2].removesuffix("s").capitalize()
    assert (answer.status_code, answer.json()) == (404, {"error": f"{noun} not found"})


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("path", LISTS)
async def test_lists_of_another_team_are_empty(stranger: AsyncClient, path: str) -> None:
    answer = await stranger.get(path)

    assert answer.status_code == 200
    assert answer.json() == {"data": [], "current_page": 1, "last_page": 1, "per_page": 25, "total": 0}


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_reader_reads_and_changes_nothing(
    anonymous: AsyncClient, redis: Redis, method: str, path: str
) -> None:
    reader = await tokens.create(redis, team="one", name="reader", scopes=("read",))

    answer = await anonymous.request(method, path, headers={"Authorization": f"Bearer {reader}"})

    if needs(method, path) == "read":
        assert answer.status_code == (400 if path == EXPLAIN else 200)  # which got no body
    else:
        assert (answer.status_code, answer.json()) == (
            403,
            {"error": f"The token lacks the {needs(method, path)} scope"},
        )


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_writer_may_do_everything_here_but_what_is_an_admins(
    anonymous: AsyncClient, redis: Redis, method: str, path: str
) -> None:
    writer = await tokens.create(redis, team="one", name="writer", scopes=("write",))

    answer = await anonymous.request(method, path, headers={"Authorization": f"Bearer {writer}"}, json={})

    assert answer.status_code in ((403,) if needs(method, path) == "admin" else (200, 202, 422))
