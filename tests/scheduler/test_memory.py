"""While Redis is short of memory less is kept, then crons are skipped; running work still ends."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from redis.asyncio import Redis

from services.cli.doctor import examine
from services.scheduler.fire import fire_due
from services.scheduler.memory import VALID_MILLISECONDS, weigh
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result
from shared import clock
from shared.actions import alerts, crons, executions
from shared.actions.reports import listed
from shared.actions.reports.why import why
from shared.schemas.alerts import AlertQuery, AlertType
from shared.schemas.crons import Cron, Execution
from shared.schemas.reports.executions import ListedQuery
from shared.schemas.why import WhyQuery
from shared.store import stored, transitions
from shared.store.care.shortage import Shortage
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.fires import MINUTE, NOON, SHARD, a_cron, claim, history, ledgers_add_up, told

BODY = '"' * 30_000 + "ü" * 10_000
HEADERS = {"x": ',"response_body":"no"', "response_body": "a name like another"}
SENT = {"request_body": "a name too", "b": ',"request_headers":'}
RUN = [
    1,
    500,
    12,
    1_760_000_000_000,
    BODY,
    HEADERS,
    False,
    "http_server_error",
    ',"response_body":',
    None,
    SENT,
    BODY,
]


@pytest.fixture(autouse=True)
async def unlimited(redis: Redis) -> AsyncIterator[None]:
    yield
    await redis.config_set("maxmemory", 0)


async def fill(redis: Redis, share: float) -> None:
    """Limit its memory so that this share of it is used."""
    used = int((await redis.info("memory"))["used_memory"])
    await redis.config_set("maxmemory", round(used / share))


async def noted(redis: Redis, level: Shortage, now: datetime = NOON, milliseconds: int = 3_600_000) -> None:
    at = clock.milliseconds(now)
    await transitions.note_memory(redis, SHARD, level=int(level), valid_ms=milliseconds, now_ms=at)


async def ran(redis: Redis, team: Team, cron: Cron, run: str, now: datetime = NOON + MINUTE) -> Execution:
    await fire_due(redis, SHARD, now)
    works = await claim(redis, now)
    results = [Result(work, Complete(), run, "r" * 4096) for work in works]
    answers = await Claims(redis, SHARD, "w").finish(results, clock.milliseconds(now))
    assert answers == [1] * len(works)
    (execution,) = await history(redis, team, cron)
    return await executions.get(redis, team, cron.id, execution.id)


async def test_the_level_is_noted_and_taken_back(redis: Redis, team: Team) -> None:
    key = f"{team.prefix}memory"
    await fill(redis, 0.85)

    level = await weigh(redis, SHARD, Shortage.ROOM)
    short = await redis.hget(key, "level")  # type: ignore[misc]
    await redis.config_set("maxmemory", 0)
    after = await weigh(redis, SHARD, level)

    assert (level, short, after) == (Shortage.NO_BODIES, "1", Shortage.ROOM)
    assert not await redis.exists(key)


async def test_it_is_noted_when_redis_takes_no_writes_any_more(redis: Redis, team: Team) -> None:
    await redis.config_set("maxmemory", 1)

    assert await weigh(redis, SHARD, Shortage.ROOM) is Shortage.NO_FIRES

    assert await redis.hget(f"{team.prefix}memory", "level") == "2"  # type: ignore[misc]


async def test_long_runs_are_kept_without_what_is_big_and_say_so(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    await noted(redis, Shortage.NO_BODIES)
    await redis.config_set("maxmemory", 1)  # running work still ends

    run = (await ran(redis, team, cron, stored.run(RUN))).run

    assert run is not None
    kept = (run.response_status, run.duration_ms, run.failure_reason, run.error_message, run.attempt)
    assert kept == (500, 12, "http_server_error", ',"response_body":', 1)
    assert (run.response_body, run.response_headers, run.request_headers, run.request_body) == (None,) * 4
    assert run.response_truncated
    assert (await crons.get(redis, team, cron.id)).last_response is None


@pytest.mark.parametrize("level", [Shortage.ROOM, Shortage.NO_BODIES])
async def test_short_runs_are_kept_whole(redis: Redis, team: Team, level: Shortage) -> None:
    cron = await a_cron(redis, team)
    await noted(redis, level)

    run = (await ran(redis, team, cron, stored.run([1, 200, 12, 1_760_000_000_000, "fine"]))).run

    assert run is not None
    assert (run.response_body, run.response_truncated) == ("fine", False)


async def test_a_note_that_nobody_renews_is_valid_for_seconds(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    await noted(redis, Shortage.NO_FIRES, milliseconds=VALID_MILLISECONDS)

    run = (await ran(redis, team, cron, stored.run(RUN))).run

    assert run is not None
    assert run.response_body == BODY


async def test_fires_are_skipped_and_are_one_record_and_go_on_with_room(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    for minute in (1, 2, 3):
        await noted(redis, Shortage.NO_FIRES, NOON + minute * MINUTE)
        await fire_due(redis, SHARD, NOON + minute * MINUTE)
    await noted(redis, Shortage.ROOM, NOON + 4 * MINUTE)
    await fire_due(redis, SHARD, NOON + 4 * MINUTE)
    await noted(redis, Shortage.NO_FIRES, NOON + 5 * MINUTE)
    await fire_due(redis, SHARD, NOON + 5 * MINUTE)

    reasons = await why(
        redis, team, cron.id, WhyQuery.model_validate({"at": NOON + 2 * MINUTE}), NOON + 6 * MINUTE
    )

    assert await told(redis, team, cron) == [("memory", 3, 2), ("run", 4, 0), ("memory", 5, 0)]
    assert (await history(redis, team, cron))[0].missed_since == NOON + MINUTE
    assert len(await claim(redis, NOON + 5 * MINUTE)) == 1
    assert await ledgers_add_up(redis, team)
    assert [(reason.verdict, "memory" in reason.why) for reason in reasons.reasons] == [("skipped", True)]


@pytest.mark.parametrize("status", ["all", "skipped"])
async def test_skipped_fires_that_are_one_record_are_listed_by_the_last(
    redis: Redis, team: Team, status: str
) -> None:
    await a_cron(redis, team)
    await noted(redis, Shortage.NO_FIRES)
    for minute in (1, 2, 3):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)

    asked = {"filter": status, "from": NOON + 3 * MINUTE, "to": NOON + 3 * MINUTE}
    page = await listed.page(call_of(redis, team), ListedQuery.model_validate(asked))

    assert [row.scheduled_at for row in page.data] == [NOON + 3 * MINUTE]


async def test_heartbeats_are_awaited_all_the_same(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, mode="heartbeat", url="")
    await noted(redis, Shortage.NO_FIRES)

    await fire_due(redis, SHARD, NOON + MINUTE)

    assert [one.status for one in await history(redis, team, cron)] == ["pending"]


async def test_a_team_is_alerted_once_an_hour(redis: Redis, team: Team) -> None:
    await a_cron(redis, team)
    await a_cron(redis, team)
    await noted(redis, Shortage.NO_FIRES, milliseconds=10_000_000)

    for minute in (1, 2, 59, 61):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)

    found = (await alerts.page(redis, team, AlertQuery(filter=AlertType.STORAGE_WARNING))).data
    assert [alert.created_at for alert in found] == [NOON + 61 * MINUTE, NOON + MINUTE]
    assert found[0].message == "Redis is nearly out of memory: until it has more, crons are skipped."


async def test_a_team_is_alerted_though_a_clock_that_was_ahead_did_so_before(
    redis: Redis, team: Team
) -> None:
    await a_cron(redis, team)
    ahead = str(clock.milliseconds(NOON) + 40 * 86_400_000)
    await redis.hset(f"{team.prefix}t:{team.id}", "memory_told", ahead)  # type: ignore[misc]
    await noted(redis, Shortage.NO_FIRES)

    await fire_due(redis, SHARD, NOON + MINUTE)

    assert (await alerts.page(redis, team, AlertQuery(filter=AlertType.STORAGE_WARNING))).total == 1


async def test_long_answers_fill_redis_no_further_than_its_limit(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    await fill(redis, 0.78)
    limit = int((await redis.config_get("maxmemory"))["maxmemory"])
    level, now = Shortage.ROOM, NOON

    for minute in range(1, 61):
        now = NOON + minute * MINUTE
        level = await weigh(redis, SHARD, level, clock.milliseconds(now))
        await fire_due(redis, SHARD, now)
        works = await claim(redis, now)
        results = [Result(work, Complete(), stored.run(RUN), "r" * 4096) for work in works]
        await Claims(redis, SHARD, "w").finish(results, clock.milliseconds(now))

    assert int((await redis.info("memory"))["used_memory"]) < limit
    assert len(await history(redis, team, cron)) > 50


@pytest.mark.parametrize(
    ("share", "good", "said"),
    [
        (0.5, True, "of maxmemory is used"),
        (0.85, False, "of maxmemory is used, long answers are not kept"),
        (0.99, False, "and crons are skipped"),
    ],
)
async def test_the_doctor_says_how_full_redis_is(redis: Redis, share: float, good: bool, said: str) -> None:
    await fill(redis, share)

    (finding,) = [one for one in await examine(redis) if one.text.startswith("memory")]

    assert (finding.good, said in finding.text) == (good, True)


async def test_the_doctor_advises_a_limit(redis: Redis) -> None:
    (finding,) = [one for one in await examine(redis) if one.text.startswith("memory")]

    assert (finding.good, "set maxmemory" in finding.text) == (True, True)
