"""Dead letters made at once, without a target."""

from datetime import UTC, datetime

from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Result, Verdict
from shared import clock
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of

NOON = clock.milliseconds(datetime(2026, 11, 25, 12, tzinfo=UTC))
URL = "https://a.example/work"
TIMED_OUT = '[1,null,1,1,null,{},false,"timeout","It took too long."]'
REFUSED = '[1,500,1,1,"no",{},false,"http_server_error","The target answered with status 500."]'


async def end_all(redis: Redis, verdict: Verdict, now: int = NOON, run: str = TIMED_OUT) -> list[int]:
    """End all jobs that are ready, in one way; return their ids in order of their starts."""
    worker, ended = Claims(redis, keyspace.SHARDS[0], "w"), []
    reason = "" if isinstance(verdict, Complete) else "timeout"
    while works := await worker.claim(64, now):
        await worker.finish([Result(work, verdict, run, "", reason) for work in works], now)
        ended += [work.id for work in works if work.kind == "j"]
    return ended


async def dead_letters(
    redis: Redis, team: Team, n: int, *, now: int = NOON, run: str = TIMED_OUT, **asked: object
) -> list[int]:
    """So many dead letters; return their ids."""
    job = JobCreate.model_validate({"queue": "mail", "url": URL, "payload": {"n": 1}, **asked})
    made = await jobs.create_many(call_of(redis, team), [job] * n, now_ms=now)
    await end_all(redis, Dead(), now, run)
    return [one.id for one in made]
