"""An installation with very much stored, of which reads are measured: filled as people and workers fill one."""

import asyncio
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
from pydantic_core import from_json
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.targets import target_of
from services.worker.work import Complete, Dead, Fail, Result, Verdict, Work
from shared import clock
from shared.actions import crons, executions, jobs
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.store import keyspace, transitions
from shared.store.transitions.reports.figures import NAMES
from tests import people
from tests.calls import call_of

TEAM = "bench"
QUEUES, BATCH, CLAIM = 20, 500, 1_000
USERS, HOSTS, MANY, RUNNING, KEYS = 25, 1_000, 30, 9, 1_000
"""Hosts that rest, backfills and other things that are kept, how many of these go on, and keys of a queue."""
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "America/Havana")
EXPRESSIONS = ("*/5 * * * *", "0 * * * *", "17 3 * * *", "0 9 * * 1-5", "30 2 1 * *", "*/15 8-18 * * *")
ROOMS = (
    "cart",
    "stock",
    "price",
    "refund",
    "parcel",
    "letter",
    "return",
    "credit",
    "tax",
    "label",
    "visit",
    "review",
    "sample",
)
"""With the queues and hosts they make several hundred problems."""
MINUTE, TEN_MINUTES, HOUR = (timedelta(minutes=minutes) for minutes in (1, 10, 60))
PERIODS = (
    ("h", HOUR, timedelta(days=31), 48 * HOUR, 49 * HOUR),  # those that are too old are put into days
    ("t", TEN_MINUTES, 48 * HOUR, HOUR, 48 * HOUR),
    ("m", MINUTE, HOUR, MINUTE, MINUTE),  # which are packed
)
"""Letter and length; from how long ago until when figures are made in such periods, and for how long `figures.lua` keeps them."""


async def fill(redis: Redis, client: httpx.AsyncClient, *, n_jobs: int, n_crons: int, each: int) -> None:
    """So many crons with so many executions each, so many jobs, and some of all else that can be read."""
    team = keyspace.Team(1)
    await people.join(redis, TEAM, USERS)
    await _fill_crons(redis, team, n_crons, each)
    await _fill_jobs(redis, team, n_jobs)
    await _fill_figures(redis, team)
    for number in range(HOSTS):
        host = f"host-{number}.example.com:443"
        await transitions.throttle_host(redis, team, host=host, wanted_ms=86_400_000, most_ms=86_400_000)
    await _by_callers(client)


async def _fill_jobs(redis: Redis, team: keyspace.Team, n: int) -> None:
    claims = Claims(redis, team.shard, "bench")
    for start in range(0, n, BATCH):
        made = [job(number) for number in range(start, min(start + BATCH, n))]
        await jobs.create_many(call_of(redis, team), made)
        if start < n - 10 * BATCH:  # the last ones wait
            await _end_all(claims)


def job(number: int) -> JobCreate:
    return JobCreate(
        queue=f"queue-{number % QUEUES}",
        url=f"https://host-{number % 40}.example.com/{ROOMS[number // 40 % len(ROOMS)]}/{number}",
        payload={"order": number, "lines": [{"sku": f"a-{number % 900}", "count": 2}]},
        retry_delays=[],
        labels={"customer": f"c-{number % 700}"},
    )


async def _fill_crons(redis: Redis, team: keyspace.Team, n: int, each: int) -> None:
    call, claims = call_of(redis, team), Claims(redis, team.shard, "bench")
    for number in range(n):
        made = CronCreate(
            name=f"{('nightly', 'hourly', 'report', 'sync')[number % 4]} {number}",
            url=f"https://host-{number % 40}.example.com/crons/{number}",
            cron_expression=EXPRESSIONS[number % len(EXPRESSIONS)],
            timezone=ZONES[number % len(ZONES)],
            spread_seconds=number % 3 * 10,
            labels={"unit": f"u-{number % 7}"},
        )
        await crons.create(call, made)
    for _ in range(each):
        for start in range(0, n, BATCH):
            ids = range(start + 1, min(start + BATCH, n) + 1)
            await asyncio.gather(*(executions.create(call, cron) for cron in ids))
        await _end_all(claims)


async def _end_all(claims: Claims) -> None:
    while works := await claims.claim(CLAIM):
        await claims.finish([result(work) for work in works])


def result(work: Work) -> Result:
    """Nine of ten end well; of the others every second one is a dead letter."""
    lot = work.id * 7919 % 1009  # in all queues and hosts alike
    if lot % 10:
        return Result(work, Complete(), _run(200, None), waited_ms=12, took_ms=142)
    verdict: Verdict = Dead() if lot % 20 == 0 and work.kind == "j" else Fail()
    run, reason = _run(503, "http_server_error"), "http_server_error 503"
    target = target_of(from_json(work.spec)["url"])
    return Result(work, verdict, run, "", reason, waited_ms=12, took_ms=142, target=target)


def _run(status: int, reason: str | None) -> str:
    failure = f'"{reason}"' if reason else "null"
    body = '"{\\"ok\\":true}"'
    return f'[1,{status},142,{time.time() * 1000:.0f},{body},{{"content-type":"application/json"}},false,{failure},null,null,null]'


async def _fill_figures(redis: Redis, team: keyspace.Team) -> None:
    """A month in which each period has all figures, of the team, its crons and each queue."""
    owners = ("", "crons:", *(f"{queue}:" for queue in range(1, QUEUES + 1)))
    drawn, now = random.Random(1), datetime.now(UTC)
    for key, until_ms in _periods(now):
        figures = {f"{owner}{figure}": drawn.randrange(1, 900) for owner in owners for figure in NAMES}
        at = f"{team.prefix}figures:{team.id}:{key}"
        if not key.startswith("m"):
            texts = {owner: ",".join(str(figures[owner + name]) for name in NAMES) for owner in owners}
            packed = {f"={owner.rstrip(':')}": text for owner, text in texts.items()}
            await redis.hset(at, mapping={**packed, "#": len(owners)})  # type: ignore[misc]
        else:
            await redis.hset(at, mapping=figures)  # type: ignore[misc]
        await redis.zadd(f"{team.prefix}figures_until", {f"{team.id}:{key}": until_ms})
    while await transitions.roll_figures(redis, team.shard, limit=10_000):
        pass


def _periods(now: datetime) -> Iterator[tuple[str, int]]:
    """How each period is called, and when it is added up or deleted."""
    ms, whole = clock.milliseconds, timedelta(milliseconds=1)
    for letter, length, oldest, youngest, kept in PERIODS:
        step = length // whole
        for start in range(ms(now - oldest) // step * step, ms(now - youngest) // step * step, step):
            yield f"{letter}{start}", start + (length + kept) // whole


async def _by_callers(client: httpx.AsyncClient) -> None:
    """What else callers make: some of each goes on, as nobody does it."""

    async def post(path: str, body: object = None) -> dict[str, int]:
        answer = await client.post(path, json=body or {})
        assert answer.is_success, f"{path}: {answer.text}"
        made: dict[str, int] = answer.json()
        return made

    hook = {"slack": {"url": "https://hooks.slack.example/services/secret"}}
    (await client.put("/api/settings/notifications", json=hook)).raise_for_status()
    await post("/api/queues", {"name": "keyed", "key_max_parallelism": 1})
    one = {"queue": "keyed", "url": "https://a.example/"}
    for _ in range(2):
        await post("/api/jobs/batch", {"jobs": [one | {"key": f"customer-{key}"} for key in range(KEYS)]})
    past = {"from": _days_from_now(-3), "to": _days_from_now(-1)}
    for number in range(MANY):
        await post("/api/invitations", {"email": f"ada{number}@example.com"})
        await post("/api/tokens", {"name": f"token {number}", "scopes": ["read"]})
        backfill = await post(f"/api/crons/{6 * number + 1}/backfill", past)
        bulk = await post("/api/jobs/bulk", {"action": "cancel", "ids": [*range(1, 1_002)]})
        replay = await post("/api/dead-letters/replay", {"queue_id": number % QUEUES + 1, "rate": 1})
        if number >= RUNNING:
            await post(f"/api/backfills/{backfill['id']}/cancel")
            await post(f"/api/bulk/{bulk['id']}/cancel")
        await post(f"/api/dead-letters/replays/{replay['id']}/cancel")


def _days_from_now(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()
