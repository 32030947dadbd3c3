"""`recent_executions` of a cron, held against its executions."""

import random
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.promote import promote_due
from services.scheduler.rescue import PATIENCE, find_in_flight, rescue
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Fail, Postpone, Release, Result, Verdict, Work
from shared import clock
from shared.actions import crons, executions, pings
from shared.actions.pings import Kind, Ping
from shared.schemas.crons import CronUpdate, SkipReason
from shared.store import strips, transitions
from shared.store.care import damage, reconcile
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.fires import MINUTE, NOON, SECOND, SHARD, a_cron, claim, end, history

ENDED = ("completed", "failed", "skipped")


async def recounted(redis: Redis, team: Team, cron_id: int) -> list[tuple[Any, ...]]:
    """What its last 30 executions say themselves that have ended, the newest last."""
    cron = await crons.get(redis, team, cron_id)
    ended = [
        one for state in ENDED for one in await history(redis, team, cron, state)
    ]  # of each state the last hundred
    return [
        (
            one.id,
            one.status,
            one.lateness_ms > 1000 and one.status != "skipped",
            one.skip_reason,
            one.run.duration_ms if one.run else None,
        )
        for one in sorted(ended, key=lambda one: one.id)[-30:]
    ]


def shown(cron: dict[str, Any]) -> list[tuple[Any, ...]]:
    names = ("id", "status", "is_late", "skip_reason", "duration_ms")
    return [tuple(one[name] for name in names) for one in cron["recent_executions"]]


async def listed(client: AsyncClient) -> dict[int, list[tuple[Any, ...]]]:
    page = (await client.get("/api/crons")).json()
    return {cron["id"]: shown(cron) for cron in page["data"]}


async def mended(redis: Redis, team: Team) -> list[str]:
    return [ref async for step in reconcile.patrol(redis, team, whole=True) for ref in step.mended]


async def executions_of(client: AsyncClient, cron_id: int) -> int:
    total: int = (await client.get(f"/api/crons/{cron_id}/executions")).json()["total"]
    return total


async def test_every_answer_with_the_whole_cron_has_them(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    await end(redis, await claim(redis, NOON + MINUTE), NOON + MINUTE)

    one = {"id": 1, "status": "completed", "is_late": False, "skip_reason": None, "duration_ms": 1}
    for answer in (
        await client.get("/api/crons/1"),
        await client.patch("/api/crons/1", json={"name": "pong"}),
        await client.put("/api/crons/1", json={"name": "ping"}),
    ):
        assert answer.json()["recent_executions"] == [one]
    for search in ({}, {"search": "ping"}, {"q": "status:active"}):
        (cron,) = (await client.get("/api/crons", params=search)).json()["data"]
        assert cron["recent_executions"] == [one]


async def test_the_answer_to_a_new_cron_has_none_after_its_first_keys(client: AsyncClient) -> None:
    cron = {"name": "Tidy", "url": "https://example.com/tidy", "cron_expression": "0 0 1 1 *"}

    by_key = (await client.put("/api/crons/by-key/tidy", json=cron)).json()
    made = (await client.post("/api/crons", json=cron)).json()

    assert by_key["recent_executions"] == made["recent_executions"] == []
    assert list(made)[:5] == ["id", "name", "cron_expression", "next_run_at", "is_active"]


async def test_one_that_ends_late_stands_where_it_was_made(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, team)
    for minute in range(1, 32):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)
    now = NOON + 31 * MINUTE
    first, *others = sorted(await claim(redis, now), key=lambda work: work.id)

    await end(redis, others[1:], now)
    before = (await listed(client))[1]
    await end(redis, others[:1], now, Fail())
    await end(redis, [first], now)

    assert [one[0] for one in before] == list(range(3, 32))
    assert [one[0] for one in (await listed(client))[1]] == list(range(2, 32))
    assert (await listed(client))[1][0][1] == "failed"


async def test_a_lost_worker_is_no_outcome_until_it_is_the_third(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)

    seen = []
    for _ in range(PATIENCE):
        await claim(redis, NOON + MINUTE)
        await rescue(redis, SHARD, await find_in_flight(redis, SHARD))
        seen.append((await listed(client))[1])

    assert seen == [[], [], [(1, "failed", False, None, None)]]


async def test_what_a_lost_worker_ran_is_in_the_strip_once(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    works = await claim(redis, NOON + MINUTE)

    await rescue(redis, SHARD, await find_in_flight(redis, SHARD))
    again = await Claims(redis, SHARD, "another").claim(1, clock.milliseconds(NOON + MINUTE))
    await end(redis, works, NOON + MINUTE, Fail())  # too late: it is another's
    await Claims(redis, SHARD, "another").finish(
        [Result(again[0], Complete(), "[1,200,8,1]")], clock.milliseconds(NOON + MINUTE)
    )

    assert (await listed(client))[1] == [(1, "completed", False, None, 8)]


async def test_hundreds_that_are_skipped_at_once_are_written_once(redis: Redis, team: Team) -> None:
    await a_cron(redis, team, cron_expression="* * * * * *", misfire_policy="run_all", overlap_policy="skip")
    await redis.config_resetstat()

    await fire_due(redis, SHARD, NOON + 3 * MINUTE)

    calls = (await redis.info("commandstats"))["cmdstat_hset"]["calls"]
    shown = (await crons.get(redis, team, 1)).recent_executions
    made = await redis.zcard(f"{team.prefix}x:1:c1:skipped")
    assert [one.skip_reason for one in shown] == ["overlap"] * 30
    assert [one.id for one in shown] == list(range(made - 28, made + 2))
    assert made > 100
    assert calls < 2.2 * made  # two of each record, and a few of the cron


async def test_what_ends_after_its_cron_was_deleted_makes_no_record_of_it(redis: Redis, team: Team) -> None:
    await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    works = await claim(redis, NOON + MINUTE)
    await crons.delete(call_of(redis, team), 1)

    await end(redis, works, NOON + MINUTE)

    assert not await redis.exists(f"{team.prefix}c:1:1")


async def test_a_damaged_strip_reads_as_none_is_named_and_heals(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, team)
    await redis.hset(f"{team.prefix}c:1:1", "strip", "0000000000zd0000001")  # type: ignore[misc]
    damaged = await client.get("/api/crons/1")
    await fire_due(redis, SHARD, NOON + MINUTE)

    await end(redis, await claim(redis, NOON + MINUTE), NOON + MINUTE)

    assert (damaged.json()["recent_executions"], damaged.json().get("problem")) == ([], None)
    assert (await listed(client))[1] == [(1, "completed", False, None, 1)]
    assert [one.name for one in await damage.found(redis, SHARD)] == ["strip:1:1"]
    await client.delete("/api/crons/1")
    assert await damage.found(redis, SHARD) == []


@pytest.mark.parametrize("part", ["all", "runs"])
async def test_history_that_is_pruned_stays_in_the_strip(
    client: AsyncClient, redis: Redis, team: Team, part: str
) -> None:
    await a_cron(redis, team)
    for minute in range(1, 6):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)
    await end(redis, await claim(redis, NOON + 5 * MINUTE), NOON + 5 * MINUTE)
    before = await listed(client)

    if part == "runs":
        await redis.delete(f"{team.prefix}r:1:e1")
    else:
        await transitions.retire(
            redis, team, owner="c1", age_ms=1, dead_age_ms=1, most_kept=0, may_take_most=True, limit=100
        )

    assert await executions_of(client, 1) == (5 if part == "runs" else 0)
    assert await mended(redis, team) == []
    assert (await listed(client)) == before


async def test_what_never_was_goes_from_the_strip(client: AsyncClient, redis: Redis, team: Team) -> None:
    await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    await redis.hset(f"{team.prefix}c:1:1", "strip", "00000000fffd0000001")  # type: ignore[misc]

    found = await mended(redis, team)

    assert (found, (await listed(client))[1]) == (["c:1"], [])


def test_every_reason_to_skip_has_a_letter() -> None:
    assert {one.skip_reason for one in strips.recent("".join(f"{0:011x}{x}-------" for x in "omlptys"))} == {
        *SkipReason,
        None,
    }


async def test_an_end_takes_the_place_of_an_earlier_one_of_the_same_execution(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, team)
    await redis.hset(f"{team.prefix}c:1:1", "strip", "00000000001f0000007")  # type: ignore[misc]
    await fire_due(redis, SHARD, NOON + MINUTE)

    await end(redis, await claim(redis, NOON + MINUTE), NOON + MINUTE)

    assert (await listed(client))[1] == [(1, "completed", False, None, 1)]


async def test_a_wait_for_a_ping_that_outlasts_its_cron_makes_no_record_of_it(
    redis: Redis, team: Team
) -> None:
    await a_cron(redis, team, mode="heartbeat", url="", grace_seconds=30)
    await fire_due(redis, SHARD, NOON + MINUTE)
    await crons.delete(call_of(redis, team), 1)

    await promote_due(redis, SHARD, NOON + 2 * MINUTE)

    assert await redis.zcard(f"{team.prefix}x:1:c1:skipped") == 1
    assert not await redis.exists(f"{team.prefix}c:1:1")


async def test_reconciling_looks_at_every_cron_and_at_no_row_without_a_record(
    redis: Redis, team: Team
) -> None:
    for _ in range(2 * reconcile.STRIPS + 1):
        await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    await end(redis, await claim(redis, NOON + MINUTE), NOON + MINUTE)
    last = 2 * reconcile.STRIPS + 1
    for cron in (1, last):
        await redis.hdel(f"{team.prefix}c:1:{cron}", "strip")  # type: ignore[misc]
    await redis.delete(f"{team.prefix}e:1:3")
    await redis.zadd(f"{team.prefix}x:1:c2:completed", {"3": 3})

    found = [ref async for step in reconcile.mend_strips(redis, team) for ref in step.mended]

    assert found == ["c:1", f"c:{last}"]
    assert await damage.found(redis, SHARD) == []


class Day:
    """Crons of every kind, whose executions end in any order, in any way."""

    def __init__(self, redis: Redis, team: Team, seed: int) -> None:
        self.redis, self.team, self.draw, self.now = redis, team, random.Random(seed), NOON
        self.held: list[Work] = []
        self.heartbeat = ""

    async def begin(self) -> None:
        await a_cron(self.redis, self.team, name="beside")
        await a_cron(self.redis, self.team, name="alone", overlap_policy="skip")
        await a_cron(self.redis, self.team, name="in line", overlap_policy="queue_one")
        await a_cron(self.redis, self.team, name="punctual", misfire_policy="skip", misfire_window_seconds=0)
        await a_cron(self.redis, self.team, name="all", misfire_policy="run_all")
        await a_cron(self.redis, self.team, name="often", cron_expression="*/20 * * * * *")
        beat = await a_cron(self.redis, self.team, mode="heartbeat", url="", grace_seconds=30)
        self.heartbeat = beat.ping_key or ""

    async def pass_time(self) -> None:
        """A scheduler that is in time, or late by seconds or minutes."""
        late = self.draw.choice((0, 0, 0, 0, 0, 2, 90, 400))
        self.now += MINUTE + late * SECOND
        await fire_due(self.redis, SHARD, self.now)
        await promote_due(self.redis, SHARD, self.now)

    async def work(self) -> None:
        """Some of what runs ends, in any order; a worker is lost now and then."""
        self.held += await claim(self.redis, self.now)
        self.draw.shuffle(self.held)
        ends = [self.held.pop() for _ in range(self.draw.randint(0, len(self.held)))]
        results = [self._result(work) for work in ends]
        await Claims(self.redis, SHARD, "w").finish(results, clock.milliseconds(self.now))
        if self.draw.random() < 0.15:
            await rescue(self.redis, SHARD, await find_in_flight(self.redis, SHARD))
            self.held = []

    def _result(self, work: Work) -> Result:
        verdicts: tuple[Verdict, ...] = (Complete(), Complete(), Fail(), Release(), Postpone(5, "its host"))
        took = self.draw.randint(0, 300_000)
        body = '"response_body":"\\"duration_ms\\":7"'
        array, whole = f"[1,200,{took},1]", f'{{"attempt":1,"duration_ms":{took},"started_at":1,{body}}}'
        run = self.draw.choice((array, whole, f'{{"failure_reason":"unknown",{body}}}'))
        return Result(work, self.draw.choice(verdicts), run)

    async def ask(self) -> None:
        """What people do meanwhile."""
        call, cron = call_of(self.redis, self.team), self.draw.randint(1, 6)
        if self.draw.random() < 0.3:
            await executions.create(call, cron)
        changes = CronUpdate(is_active=self.draw.random() < 0.7)
        await crons.update(call, self.draw.randint(1, 7), changes, self.now)
        if self.draw.random() < 0.4:
            kind = self.draw.choice((Kind.COMPLETE, Kind.FAIL, Kind.START, Kind.LOG))
            at = clock.milliseconds(self.now + 10 * SECOND)
            await pings.ping(self.redis, self.heartbeat, Ping(kind, "done"), now_ms=at)


@pytest.mark.parametrize("seed", range(3))
async def test_strips_are_what_a_recount_of_the_executions_says(
    client: AsyncClient, redis: Redis, team: Team, seed: int
) -> None:
    day = Day(redis, team, seed)
    await day.begin()

    for number in range(60):
        await day.pass_time()
        await day.work()
        await day.ask()
        if number % 20 == 19:
            found = await listed(client)
            assert found == {cron: await recounted(redis, team, cron) for cron in range(1, 8)}

    assert await mended(redis, team) == []
    found = await listed(client)
    entries = [one for strip in found.values() for one in strip]
    assert len(entries) > 150
    assert {one[1] for one in entries} == set(ENDED)
    assert {one[2] for one in entries} == {False, True}
    assert {one[3] for one in entries} >= {None, "overlap", "missed"}
    assert sum([await executions_of(client, cron) for cron in found]) > 300
    await redis.hdel(f"{team.prefix}c:1:1", "strip")  # type: ignore[misc]
    await redis.hset(f"{team.prefix}c:1:2", "strip", "junk")  # type: ignore[misc]
    assert await mended(redis, team) == ["c:1", "c:2"]
    assert await listed(client) == found
