"""`created_by`: who or what made crons, queues and jobs."""

from typing import Any

import pytest
from httpx import AsyncClient
from mcp_types import CallToolRequestParams
from redis.asyncio import Redis

from services.mcp.server import Asked, answer
from services.scheduler.replay import step
from services.worker.intake.claims import Claims
from services.worker.work import Dead, Result, Retry
from shared import clock
from shared.actions import crons, jobs, queues
from shared.schemas.accounts.makers import Maker
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.security.caller import Caller
from shared.store import keyspace, makers, moments
from shared.store.keyspace import Team
from tests import dead, people
from tests.calls import VAULT, call_of
from tests.conftest import LOOPBACK
from tests.poll import until
from tests.writes import CRON, JOB

SHARD = keyspace.SHARDS[0]
TOKEN = {"kind": "token", "id": 1, "name": "test"}
QUEUE = {"name": "mail"}
TOOL = {"url": "https://a.example/x"}


async def maker_of(client: AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()["created_by"]


async def listed(client: AsyncClient, path: str, **query: Any) -> dict[int, Any]:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return {row["id"]: row["created_by"] for row in answer.json()["data"]}


async def another_token(client: AsyncClient, name: str) -> dict[str, str]:
    made = await client.post("/api/tokens", json={"name": name, "scopes": ["write"]})
    return {"Authorization": f"Bearer {made.json()['token']}"}


async def uses_are_noted(client: AsyncClient) -> bool:
    return all(token["last_used_at"] for token in (await client.get("/api/tokens")).json()["data"])


async def call_tool(redis: Redis, tool: str, client: str, **arguments: Any) -> dict[str, Any]:
    """As the program of that name and version, by the token 1."""
    caller = Caller(Team(1), frozenset({"admin"}), id=1)
    asked = Asked("r-1", client)
    params = CallToolRequestParams(name=tool, arguments=arguments)
    result = await answer(redis, Admission(Policy(LOOPBACK), VAULT), caller, params, asked)
    assert not result.is_error, result.content
    found: dict[str, Any] = result.structured_content or {}
    return found


async def test_a_token_made_what_it_made_whoever_changes_it_later(client: AsyncClient) -> None:
    cron = await client.post("/api/crons", json=CRON)
    queue = await client.post("/api/queues", json=QUEUE)
    await client.post("/api/jobs", json=JOB | {"queue": "new"})
    other = await another_token(client, "other")

    changed = await client.patch("/api/crons/1", json={"name": "Other"}, headers=other)
    await client.patch("/api/queues/1", json={"weight": 2}, headers=other)
    await client.post("/api/jobs", json=JOB | {"queue": "new"}, headers=other)

    assert cron.json()["created_by"] == queue.json()["created_by"] == changed.json()["created_by"] == TOKEN
    assert await maker_of(client, "/api/queues/1") == await maker_of(client, "/api/queues/2") == TOKEN
    assert await listed(client, "/api/crons") == {1: TOKEN}
    assert await listed(client, "/api/jobs") == {1: TOKEN, 2: {"kind": "token", "id": 2, "name": "other"}}


async def test_each_job_of_a_batch_says_who_made_it(client: AsyncClient) -> None:
    await client.post("/api/jobs/batch", json={"jobs": [JOB] * 300})

    assert set(map(str, (await listed(client, "/api/jobs", per_page=100)).values())) == {str(TOKEN)}
    assert await maker_of(client, "/api/jobs/300") == TOKEN


async def test_the_name_is_the_one_that_it_has_now(client: AsyncClient) -> None:
    other = await another_token(client, "other")
    await client.post("/api/jobs", json=JOB, headers=other)

    await client.patch("/api/tokens/2", json={"name": "renamed"})
    renamed = await maker_of(client, "/api/jobs/1")
    await client.delete("/api/tokens/2")

    assert renamed == {"kind": "token", "id": 2, "name": "renamed"}
    assert await maker_of(client, "/api/jobs/1") == {"kind": "token", "id": 2, "name": None}


async def test_a_program_that_calls_tools_is_named_as_it_names_itself(
    client: AsyncClient, redis: Redis
) -> None:
    agent = {"kind": "mcp", "id": 1, "name": "claude code"}

    cron = await call_tool(
        redis, "create-cron", "claude code 2.1", **TOOL, name="C", cron_expression="@daily"
    )
    job = await call_tool(redis, "create-job", "claude code 2.1", **TOOL, queue="mail")
    await call_tool(redis, "create-job", "", **TOOL, queue="mail")

    assert await maker_of(client, f"/api/jobs/{job['id']}") == agent
    assert (await call_tool(redis, "get-job", "x", id=job["id"]))["created_by"] == agent
    assert (await call_tool(redis, "get-cron", "x", id=cron["id"]))["created_by"] == agent
    assert await maker_of(client, "/api/jobs/2") == {"kind": "mcp", "id": 1, "name": "test"}


async def test_an_agent_searches_as_others_do(client: AsyncClient, redis: Redis) -> None:
    for made in ("job", "cron"):
        await client.post(f"/api/{made}s", json=JOB if made == "job" else CRON)
    await call_tool(redis, "create-job", "agent 1", **TOOL, queue="mail")
    await call_tool(redis, "create-cron", "agent 1", **TOOL, name="Mine", cron_expression="@daily")

    found = [
        [row["id"] for row in (await call_tool(redis, tool, "agent 1", q=q))["data"]]
        for tool in ("list-jobs", "list-crons")
        for q in ("by:agent", "-by:mcp", "host:a.example by:mcp")
    ]

    assert found == [[2], [1], [2]] * 2


async def test_a_long_name_of_a_program_leaves_a_job_small(client: AsyncClient, redis: Redis) -> None:
    await call_tool(redis, "create-job", f"{'ä' * 100} 1", **TOOL, queue="mail")

    assert await redis.object("encoding", f"{keyspace.prefix(SHARD)}j:1:1") == "listpack"
    assert (await maker_of(client, "/api/jobs/1"))["name"] == "ä" * 20


async def test_whoever_is_signed_in_made_it(redis: Redis, team: Team) -> None:
    await people.join(redis, "one", 1)
    caller = Caller(team, frozenset({"admin"}), name="user1@example.com", user=1, session="s")
    call = call_of(redis, team, caller=caller)

    cron = await crons.create(call, CronCreate.model_validate(CRON))
    queue = await queues.create(call, QueueCreate.model_validate(QUEUE))

    assert cron.created_by == queue.created_by == Maker(kind="user", id=1, name="user1@example.com")


async def test_a_retry_was_made_by_who_made_the_first_job(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/jobs", json=JOB)
    worker = Claims(redis, SHARD, "w")
    (work,) = await worker.claim(1)

    await worker.finish([Result(work, Retry(60), dead.REFUSED, "", "http_server_error 500")])

    assert await listed(client, "/api/jobs") == {2: TOKEN, 1: TOKEN}
    assert list(await listed(client, "/api/jobs", q="by:test")) == [2, 1]
    assert "by" not in await redis.hkeys(f"{keyspace.prefix(SHARD)}j:1:2")  # type: ignore[misc]


async def test_what_is_replayed_now_is_by_who_replays_and_later_by_the_replay(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await client.post("/api/jobs/batch", json={"jobs": [JOB] * 2})
    now = clock.milliseconds(await moments.now(redis, SHARD))
    assert await dead.end_all(redis, Dead(), now) == [1, 2]
    other = await another_token(client, "other")

    await client.post("/api/dead-letters/replay", json={"ids": [1]}, headers=other)
    await client.post("/api/dead-letters/replay", json={"all": True})
    await step(redis, SHARD, now + 60_000)

    replayed = {"kind": "replay", "id": 1, "name": None}
    assert await listed(client, "/api/jobs", q="status:pending") == {
        4: replayed,
        3: {"kind": "token", "id": 2, "name": "other"},
    }
    assert list(await listed(client, "/api/jobs", q="by:replay")) == [4]
    assert "by" not in await redis.hkeys(f"{keyspace.prefix(SHARD)}j:1:4")  # type: ignore[misc]


@pytest.mark.parametrize("stored", [None, "", "t", "t:", "x:1", "t:one", f"t:{'9' * 5000}"])
async def test_a_record_from_before_or_damaged_says_nobody(
    client: AsyncClient, redis: Redis, stored: str | None
) -> None:
    await client.post("/api/jobs", json=JOB)
    record = f"{keyspace.prefix(SHARD)}j:1:1"
    await (redis.hdel(record, "by") if stored is None else redis.hset(record, "by", stored))  # type: ignore[misc]

    assert await maker_of(client, "/api/jobs/1") is None
    assert await listed(client, "/api/jobs", q="by:test") == {}
    assert await listed(client, "/api/jobs", q="-by:test") == {1: None}


async def test_a_damaged_token_has_no_name(client: AsyncClient, redis: Redis) -> None:
    await another_token(client, "other")
    job = JobCreate.model_validate(JOB)
    await jobs.create(call_of(redis, Team(1), caller=Caller(Team(1), frozenset({"write"}), id=2)), job)
    accounts = keyspace.prefix(keyspace.GLOBAL)
    digest = await redis.hget(f"{accounts}tokens:1", "2")  # type: ignore[misc]
    await redis.set(f"{accounts}token:{digest}", "no hash")
    await client.post("/api/jobs", json=JOB)

    assert await listed(client, "/api/jobs") == {1: {"kind": "token", "id": 2, "name": None}, 2: TOKEN}


async def test_what_was_written_is_not_lost_for_a_name_that_cannot_be_read(
    client: AsyncClient, redis: Redis
) -> None:
    nameless = TOKEN | {"name": None}
    names = f"{keyspace.prefix(keyspace.GLOBAL)}tokens:1"
    await redis.delete(names)
    await redis.set(names, "no hash")

    made = await client.post("/api/crons", json=CRON)

    assert (made.status_code, made.json()["created_by"]) == (201, nameless)
    assert await listed(client, "/api/crons") == {1: nameless}
    assert (await client.get("/api/crons", params={"q": "by:test"})).status_code == 409


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("by:test", [3, 1]),
        ("by:OTHER", [2]),
        ("by:token", [3, 2, 1]),
        ("by:token:2", [2]),
        ("-by:oth*", [3, 1]),
        ("by:mcp,user", []),
        ("by:test example", [3, 1]),
    ],
)
async def test_crons_and_jobs_are_found_by_who_made_them(client: AsyncClient, q: str, ids: list[int]) -> None:
    other = await another_token(client, "other")
    for headers in ({}, other, {}):
        await client.post("/api/crons", json=CRON, headers=headers)
        await client.post("/api/jobs", json=JOB, headers=headers)

    bulk = [
        (await client.post(f"/api/{noun}/bulk", json={"action": "delete", "q": q, "dry_run": True})).json()
        for noun in ("crons", "jobs")
    ]

    assert list(await listed(client, "/api/crons", q=q)) == ids
    assert list(await listed(client, "/api/jobs", q=q)) == ids
    assert [one["matched"] for one in bulk] == [len(ids)] * 2


async def test_who_made_it_costs_no_command_more(redis: Redis, team: Team) -> None:
    job = JobCreate.model_validate(JOB)
    known = Caller(team, frozenset({"write"}), "fingerprint", "test", id=1)
    await jobs.create(call_of(redis, team), job)
    ran = []

    for caller in (Caller(team, frozenset({"write"}), "fingerprint", "test"), known):
        await redis.config_resetstat()
        await jobs.create(call_of(redis, team, caller=caller), job)
        stats = await redis.info("commandstats")
        ran.append({name: one["calls"] for name, one in stats.items() if "config" not in name})

    records = [await redis.hgetall(f"{keyspace.prefix(SHARD)}j:1:{job_id}") for job_id in (2, 3)]  # type: ignore[misc]
    assert ran[0] == ran[1]
    assert [one.get("by") for one in records] == [None, "t:1"]


async def test_a_list_asks_for_all_names_at_once(client: AsyncClient, redis: Redis) -> None:
    for number in range(3):
        await client.post("/api/jobs", json=JOB, headers=await another_token(client, f"token {number}"))
    await until(lambda: uses_are_noted(client))  # which would count among what the list asks for
    await redis.config_resetstat()

    found = await listed(client, "/api/jobs")

    stats = await redis.info("commandstats")
    assert [one["name"] for one in found.values()] == ["token 2", "token 1", "token 0"]
    assert stats["cmdstat_fcall"]["calls"] <= 4  # who calls, ids, rows, names


def test_nobody_is_no_text() -> None:
    assert makers.code_of("token", 0) is None
    assert makers.code_of("mcp", 3, "x") == "m:3:x"
