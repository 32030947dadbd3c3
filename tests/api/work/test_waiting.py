"""`?wait=`: the answer comes when a job or an execution has ended."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from httpx import AsyncClient, Response
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Fail, Result, Retry, Verdict
from shared import clock
from shared.runtime.waiting import hearing
from shared.security import tokens
from shared.settings import Settings
from shared.store import keyspace, transitions
from shared.store.keyspace import Team
from shared.store.transitions import FinishedRow
from tests.api import described
from tests.api.serving import serving
from tests.fires import SHARD
from tests.poll import until
from tests.writes import CRON, JOB

LONG = 60
"""Seconds to wait: no test takes so long unless the end is not heard of."""
SOON = 20.0
"""Within which all is answered that has ended: well before that, and for a busy machine."""

End = Callable[[AsyncClient, Redis], Awaitable[object]]


@pytest.fixture(autouse=True)
async def everybody_left(redis: Redis) -> AsyncIterator[None]:
    yield
    await waiting(0)


async def waiting(count: int, seconds: float = SOON) -> None:
    """Until so many wait; the API runs in a thread of this process."""

    async def there() -> bool:
        return REGISTRY.get_sample_value("recuro_waits_open") == count

    await until(there, seconds)


def asked(client: AsyncClient, path: str, method: str = "GET") -> asyncio.Task[Response]:
    return asyncio.create_task(client.request(method, path, timeout=LONG + 10))


async def answered(task: asyncio.Task[Response]) -> Response:
    """What is answered well before the wait is over."""
    return await asyncio.wait_for(task, SOON)


def worker(redis: Redis) -> Claims:
    return Claims(redis, keyspace.SHARDS[0], "w")


async def end(redis: Redis, verdict: Verdict | None = None, most: int = 1000) -> int:
    """End what is ready, as a worker does; how many that were."""
    claims, done = worker(redis), 0
    while done < most and (works := await claims.claim(100)):
        done += sum(
            await claims.finish([Result(work, verdict or Complete(), "", "", "timeout") for work in works])
        )
    return done


async def end_next(redis: Redis, verdict: Verdict) -> None:
    (work,) = await worker(redis).claim(1)
    await worker(redis).finish([Result(work, verdict, "", "", "timeout")])


async def make_due(redis: Redis, team: Team) -> None:
    """What waits for its moment starts now."""
    await transitions.promote(redis, team.shard, most=500, now_ms=clock.milliseconds(clock.now()) + 3_600_000)


async def test_a_job_is_answered_when_it_has_ended(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/jobs", json=JOB)
    task = asked(client, f"/api/jobs/1?wait={LONG}")
    await waiting(1)

    await end(redis)

    answer = await answered(task)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert "location" not in answer.headers


async def test_what_has_ended_is_answered_at_once(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/jobs", json=JOB)
    await end(redis)

    answer = await answered(asked(client, f"/api/jobs/1?wait={LONG}"))

    assert (answer.status_code, answer.json()["status"]) == (200, "completed")


@pytest.mark.parametrize("seconds", [0, 1])
async def test_after_the_wait_it_says_where_to_ask_on(client: AsyncClient, seconds: int) -> None:
    await client.post("/api/jobs", json=JOB)
    began = time.monotonic()

    answer = await client.get(f"/api/jobs/1?wait={seconds}")

    assert seconds <= time.monotonic() - began < seconds + SOON
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert (answer.headers["location"], answer.headers["retry-after"]) == (f"/api/jobs/1?wait={seconds}", "0")


async def test_what_runs_has_not_ended(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/jobs", json=JOB)
    await worker(redis).claim(1)

    answer = await client.get("/api/jobs/1?wait=0")

    assert (answer.status_code, answer.json()["status"]) == (202, "processing")


async def test_who_does_not_wait_is_answered_as_always(client: AsyncClient) -> None:
    await client.post("/api/jobs", json=JOB)

    answer = await client.get("/api/jobs/1")

    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("wait", ["-1", "61", "soon", "1.5", ""])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/jobs/1"), ("GET", "/api/crons/1/executions/1"), ("POST", "/api/crons/1/run")],
)
async def test_a_wrong_wait_is_named(client: AsyncClient, method: str, path: str, wait: str) -> None:
    answer = await client.request(method, path, params={"wait": wait})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["wait"]


async def test_a_chain_has_ended_with_its_last_attempt(client: AsyncClient, redis: Redis, team: Team) -> None:
    await client.post("/api/jobs", json=JOB)
    original = asked(client, f"/api/jobs/1?wait={LONG}")
    await waiting(1)
    await end_next(redis, Retry(60))
    retry = asked(client, f"/api/jobs/2?wait={LONG}")
    await waiting(2)
    await make_due(redis, team)
    await end_next(redis, Retry(60))
    await make_due(redis, team)

    assert not original.done()
    assert not retry.done()
    await end_next(redis, Complete())

    first, second = await answered(original), await answered(retry)
    assert (first.status_code, second.status_code) == (200, 200)
    assert (first.json()["id"], first.json()["final_status"]) == (1, "success")
    assert (second.json()["id"], second.json()["final_status"]) == (2, "failed_with_retries")


async def cancel(client: AsyncClient, _redis: Redis) -> object:
    return await client.post("/api/jobs/1/cancel")


async def delete(client: AsyncClient, _redis: Redis) -> object:
    return await client.delete("/api/jobs/1")


async def delete_queue(client: AsyncClient, _redis: Redis) -> object:
    return await client.delete("/api/queues/1")


async def expire(_client: AsyncClient, redis: Redis) -> None:
    await make_due(redis, Team(1))


async def fail(_client: AsyncClient, redis: Redis) -> object:
    return await end(redis, Fail())


async def die(_client: AsyncClient, redis: Redis) -> object:
    return await end(redis, Dead())


@pytest.mark.parametrize(
    ("ends", "status", "final"),
    [
        (cancel, 200, "failed_no_retries"),
        (delete, 404, None),
        (delete_queue, 404, None),
        (expire, 200, "failed_no_retries"),
        (fail, 200, "failed_no_retries"),
        (die, 200, "dead_lettered"),
    ],
)
async def test_whatever_ends_a_job_ends_the_wait(
    client: AsyncClient, redis: Redis, ends: End, status: int, final: str | None
) -> None:
    expires = clock.now().replace(microsecond=0).timestamp() + 1800
    job = {**JOB, "delay": 0}
    if ends is expire:
        job["expires_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
    assert (await client.post("/api/jobs", json=job)).status_code == 201
    task = asked(client, f"/api/jobs/1?wait={LONG}")
    await waiting(1)

    await ends(client, redis)

    answer = await answered(task)
    assert (answer.status_code, answer.json().get("final_status")) == (status, final)


@pytest.mark.parametrize(
    ("path", "error"),
    [("/api/jobs/9", "Job not found"), ("/api/crons/1/executions/9", "Execution not found")],
)
async def test_nobody_waits_for_what_is_not_there(client: AsyncClient, path: str, error: str) -> None:
    await client.post("/api/crons", json=CRON)

    answer = await answered(asked(client, f"{path}?wait={LONG}"))

    assert (answer.status_code, answer.json()["error"]) == (404, error)


async def test_nobody_waits_for_what_is_of_another_team(client: AsyncClient, stranger: AsyncClient) -> None:
    await client.post("/api/jobs", json=JOB)

    answer = await answered(asked(stranger, f"/api/jobs/1?wait={LONG}"))

    assert answer.status_code == 404


async def test_what_ends_in_another_team_ends_no_wait(
    client: AsyncClient, stranger: AsyncClient, redis: Redis
) -> None:
    await client.post("/api/queues", json={"name": JOB["queue"], "is_active": False})
    for one in (client, stranger):
        await one.post("/api/jobs", json=JOB)
    ours, theirs = (asked(one, f"/api/jobs/1?wait={LONG}") for one in (client, stranger))
    await waiting(2)

    await end(redis)

    assert (await answered(theirs)).json()["status"] == "completed"
    assert not ours.done()
    await client.delete("/api/jobs/1")
    assert (await answered(ours)).status_code == 404


async def test_an_execution_is_answered_when_it_has_ended(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")
    task = asked(client, f"/api/crons/1/executions/1?wait={LONG}")
    await waiting(1)

    await end(redis, Fail())

    answer = await answered(task)
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")


async def test_an_execution_that_goes_on_says_where_to_ask_on(client: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")

    answer = await client.get("/api/crons/1/executions/1?wait=0")

    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert answer.headers["location"] == "/api/crons/1/executions/1?wait=0"


async def test_a_deleted_cron_ends_the_waits_for_its_executions(client: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")
    task = asked(client, f"/api/crons/1/executions/1?wait={LONG}")
    await waiting(1)

    await client.delete("/api/crons/1")

    assert (await answered(task)).status_code == 404


async def test_a_heartbeat_that_was_paused_ends_the_wait(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    beat = {"name": "Backup", "mode": "heartbeat", "cron_expression": "0 3 1 1 *", "grace_seconds": 300}
    await client.post("/api/crons", json=beat)
    due = clock.milliseconds(clock.now()) - 1000
    await redis.zadd(keyspace.crons(team.shard), {f"{team.id}:1": due})
    await redis.hset(f"{team.prefix}c:{team.id}:1", "next", str(due))  # type: ignore[misc]
    await fire_due(redis, SHARD)
    task = asked(client, f"/api/crons/1/executions/1?wait={LONG}")
    await waiting(1)
    await client.patch("/api/crons/1", json={"is_active": False})

    await make_due(redis, team)

    assert (await answered(task)).json()["status"] == "skipped"


async def test_a_run_is_answered_when_it_has_ended(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/crons", json=CRON)
    task = asked(client, f"/api/crons/1/run?wait={LONG}", "POST")
    await waiting(1)

    await end(redis)

    answer = await answered(task)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")


async def test_a_run_that_goes_on_is_accepted(client: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)

    answer = await client.post("/api/crons/1/run?wait=0")

    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert answer.headers["location"] == "/api/crons/1/executions/1?wait=0"


async def test_a_run_under_the_same_key_is_waited_for_again(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/crons", json=CRON)
    key = {"Idempotency-Key": "run-1"}
    before = await client.post("/api/crons/1/run?wait=0", headers=key)
    await end(redis)

    answer = await client.post(f"/api/crons/1/run?wait={LONG}", headers=key)

    assert (before.status_code, answer.status_code) == (202, 200)
    assert (answer.json()["id"], answer.json()["status"]) == (before.json()["id"], "completed")
    assert answer.headers["idempotent-replayed"] == "true"


async def answer_of(api: str, token: str, path: str) -> tuple[int, Any]:
    """By a connection of its own without a client's pool, which is slow for hundreds."""
    reader, writer = await asyncio.open_connection(*api.removeprefix("http://").split(":"))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    size = int(head.partition("content-length: ")[2].partition("\r")[0])
    body = json.loads(await reader.readexactly(size))
    writer.close()
    return int(head[9:12]), body


async def test_many_wait_at_once_by_one_reader(
    client: AsyncClient, api: str, token: str, redis: Redis
) -> None:
    await client.post("/api/jobs/batch", json={"jobs": [JOB] * 100})
    ids = [*range(1, 101), *[1] * 100]
    tasks = [asyncio.create_task(answer_of(api, token, f"/api/jobs/{job}?wait={LONG}")) for job in ids]
    await waiting(200)
    readers = [one for one in await redis.client_list() if one["cmd"] == "xread"]

    await end(redis)

    answers = await asyncio.wait_for(asyncio.gather(*tasks), SOON)
    assert [(status, job["id"], job["status"]) for status, job in answers] == [
        (200, job, "completed") for job in ids
    ]
    assert len(readers) == 1


async def test_without_waits_there_is_no_reader(
    client: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "LINGER_SECONDS", 0.05)
    await client.post("/api/jobs", json=JOB)
    await client.get("/api/jobs/1?wait=1")

    async def gone() -> bool:
        return not any(one["cmd"] == "xread" for one in await redis.client_list())

    await until(gone, SOON)


async def test_who_hangs_up_waits_no_more(api: str, token: str, client: AsyncClient) -> None:
    await client.post("/api/jobs", json=JOB)
    async with AsyncClient(base_url=api, headers={"Authorization": f"Bearer {token}"}) as other:
        task = asked(other, f"/api/jobs/1?wait={LONG}")
        await waiting(1)
        task.cancel()

    await waiting(0)


async def in_one_step(redis: Redis, *commands: Sequence[Any]) -> None:
    """Nobody hears of anything before all of it is done."""
    pipeline = redis.pipeline(transaction=True)
    for command in commands:
        pipeline.execute_command(*command)
    await pipeline.execute()


async def finishing(redis: Redis) -> Sequence[Any]:
    """The command that finishes what is ready."""
    (work,) = await worker(redis).claim(1)
    where = (work.kind.value, work.team, work.queue, work.id, work.lane, work.entry)
    row: FinishedRow = (*where, "complete", "", "", "", "")
    return transitions.finish_command(SHARD, [row], consumer="w")


async def test_an_end_while_the_reader_was_away_is_seen(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/jobs", json=JOB)
    task = asked(client, f"/api/jobs/1?wait={LONG}")
    await waiting(1)

    await in_one_step(redis, ("CLIENT", "KILL", "TYPE", "normal"), await finishing(redis))

    assert (await answered(task)).json()["status"] == "completed"


async def test_an_end_that_was_trimmed_away_is_seen(
    client: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "KEPT", 3)
    await client.post("/api/jobs", json=JOB)
    task = asked(client, f"/api/jobs/1?wait={LONG}")
    await waiting(1)
    events = keyspace.events(SHARD)
    others = [("XADD", events, "*", "v", 1, "name", "job.created", "team", 9, "refs", "j:1")] * 3

    await in_one_step(redis, await finishing(redis), *others, ("XTRIM", events, "MAXLEN", 3))

    assert (await answered(task)).json()["status"] == "completed"


async def test_there_are_as_many_waits_as_the_setting_says(
    settings: Settings, token: str, redis: Redis
) -> None:
    few = settings.model_copy(update={"api_max_waits": 2})
    with serving(few) as api:
        other = await tokens.create(redis, team="two", name="test", scopes=("admin",))
        async with client_of(api, token) as ours, client_of(api, other) as theirs:
            for one in (ours, theirs):
                await one.post("/api/jobs", json=JOB)
            first = asked(ours, f"/api/jobs/1?wait={LONG}")
            await waiting(1)

            share = await ours.get(f"/api/jobs/1?wait={LONG}")
            second = asked(theirs, f"/api/jobs/1?wait={LONG}")
            await waiting(2)
            full = await theirs.get(f"/api/jobs/1?wait={LONG}")
            without = await theirs.get("/api/jobs/1")
            await end(redis)

            assert (share.status_code, share.headers["retry-after"]) == (503, "1")
            assert share.json()["error"] == "Too many requests of your team wait here already"
            assert (full.status_code, full.json()["error"]) == (503, "Too many requests wait here already")
            assert without.status_code == 200
            assert [(await answered(task)).status_code for task in (first, second)] == [200, 200]


async def test_a_run_is_made_even_where_too_many_wait(settings: Settings, token: str, redis: Redis) -> None:
    with serving(settings.model_copy(update={"api_max_waits": 1})) as api:
        async with client_of(api, token) as ours:
            await ours.post("/api/crons", json=CRON)
            await ours.post("/api/jobs", json=JOB)
            first = asked(ours, f"/api/jobs/1?wait={LONG}")
            await waiting(1)

            answer = await ours.post(f"/api/crons/1/run?wait={LONG}")

            assert (answer.status_code, answer.json()["id"]) == (202, 1)
            assert answer.headers["location"] == f"/api/crons/1/executions/1?wait={LONG}"
            await end(redis)
            await answered(first)


async def test_a_server_that_ends_answers_who_waits(settings: Settings, token: str) -> None:
    with ExitStack() as stopping:
        api = stopping.enter_context(serving(settings))
        async with client_of(api, token) as ours:
            await ours.post("/api/jobs", json=JOB)
            tasks = [asked(ours, f"/api/jobs/1?wait={LONG}") for _ in range(5)]
            await waiting(5)

            await asyncio.to_thread(stopping.close)

            answers = [await answered(task) for task in tasks]
    assert {(one.status_code, one.headers["retry-after"]) for one in answers} == {(202, "1")}


def client_of(api: str, token: str) -> AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    return AsyncClient(
        base_url=api,
        headers=headers,
        verify=False,
        timeout=LONG,
        event_hooks={"response": [described.check]},
    )
