"""A team with jobs as people have them: well, failing by turns, dead, waiting, and with hostile texts."""

import json
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from services.scheduler.promote import promote_due
from services.worker.intake.claims import Claims
from services.worker.targets import target_of
from services.worker.work import Complete, Dead, Result, Retry, Verdict
from shared import clock
from shared.actions import jobs
from shared.schemas.base import PageQuery
from shared.schemas.jobs import Job, JobCreate, JobQuery
from shared.store import keyspace, moments
from shared.store.keyspace import Team
from tests.calls import call_of

SHOP = Team(1)
SHARD = keyspace.SHARDS[0]
URL = "https://hooks.example.com/orders/paid"


def a_run(now: int, status: int | None, reason: str | None, body: str = "", **more: Any) -> str:
    """A run as workers write it: with phases, headers of both sides and the body that came."""
    sent = {"Content-Type": "application/json", "Authorization": "********"}
    came = more.get("headers", {"Server": "nginx"})
    said = more.get("said", "The target answered with status 503." if reason else None)
    phases = [19, 1, 321, 5, "vm:2", "203.0.113.24", 2, 18, 41]
    method, url = "POST", more.get("url", URL)
    return json.dumps(
        [1, status, 388, now, body, came, False, reason, said, None, sent, None, phases, method, url, False]
    )


async def made(redis: Redis, count: int = 1, *, team: Team = SHOP, **fields: Any) -> list[int]:
    """Jobs that wait; their ids."""
    job = JobCreate.model_validate({"queue": "webhooks", "url": URL, "payload": {"order": 99121}, **fields})
    return [one.id for one in await jobs.create_many(call_of(redis, team), [job] * count)]


async def ended(
    redis: Redis, verdicts: Sequence[Verdict], body: str = '{"error":"down"}', **more: Any
) -> None:
    """End what is ready, and then its retries, in these ways one after another; the last ways end it."""
    now = clock.milliseconds(await moments.now(redis, SHARD))
    worker = Claims(redis, SHARD, "w")
    for verdict in verdicts:
        is_well = isinstance(verdict, Complete)
        failed = more.get("failed", "http_server_error 503")
        run = a_run(now, 200 if is_well else 503, None if is_well else failed.split()[0], body, **more)
        works = await worker.claim(64, now)
        assert works, "nothing is ready"
        reason = "" if is_well else failed
        facts = json.dumps({"error_message": more.get("said", "The target answered with status 503.")})
        results = [
            Result(one, verdict, run, "", reason, facts, target=target_of(json.loads(one.spec)["url"]))
            for one in works
        ]
        await worker.finish(results, now)
        now += 5_000
        await promote_due(redis, SHARD, clock.moment(now))


async def dead(redis: Redis, count: int = 1, **fields: Any) -> list[int]:
    """Dead letters after one attempt each."""
    found = await made(redis, count, **fields)
    await ended(redis, [Dead()])
    return found


async def died_slowly(redis: Redis) -> int:
    """A dead letter after three attempts; the id of its first."""
    (first,) = await made(redis)
    await ended(redis, [Retry(1), Retry(1), Dead()])
    return first


async def job(redis: Redis, job_id: int, team: Team = SHOP) -> Job:
    return await jobs.get(redis, team, job_id)


async def count(redis: Redis, team: Team = SHOP) -> int:
    """Of the jobs of a team."""
    return (await jobs.page(redis, team, JobQuery())).total


FIRST = PageQuery()
