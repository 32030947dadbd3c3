"""`pause_after_failures`: a cron that fails so often in a row is paused, and says why."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.promote import promote_due
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Fail, Result, Verdict
from shared import clock
from shared.actions import crons, pings
from shared.actions.pings import Kind, Ping
from shared.schemas.crons import CronUpdate
from shared.store import keyspace
from shared.store.care import reconcile
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.channels import EXAMPLE
from tests.fires import HOUR, MINUTE, NOON, SHARD, a_cron, claim, end, history

SCHEDULERS = 5
PAUSED = "It failed 3 times in a row, and pause_after_failures has it paused then; is_active true resumes it."


async def fires(redis: Redis, minute: int, verdict: Verdict | None = None) -> int:
    """Several schedulers at once, then a worker; how many executions ended."""
    now = NOON + minute * MINUTE
    await asyncio.gather(*(fire_due(redis, SHARD, now) for _ in range(SCHEDULERS)))
    works = [work for work in await claim(redis, now) if work.kind == "e"]
    verdict = verdict or Fail()
    reason = "timeout" if verdict == Fail() else ""
    results = [Result(work, verdict, "[1,200,1,1]", reason=reason) for work in works]
    await Claims(redis, SHARD, "w").finish(results, clock.milliseconds(now))
    return len(works)


async def alerted(client: AsyncClient) -> list[tuple[str, bool, int]]:
    """Type, whether it paused, to how many channels it went; oldest first."""
    found = (await client.get("/api/alerts")).json()["data"][::-1]
    return [(one["type"], one["has_paused"], len(one["deliveries"])) for one in found]


async def changed(client: AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.patch("/api/crons/1", json=fields)
    assert answer.status_code == 200, answer.text
    cron: dict[str, Any] = answer.json()
    return cron


async def test_a_cron_stops_after_so_many_failures_however_many_schedulers_fire_it(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    cron = await a_cron(redis, team, pause_after_failures=3)
    before = (await client.get("/api/crons/1")).headers["etag"]

    ended = [await fires(redis, minute) for minute in range(1, 8)]

    assert ended == [1, 1, 1, 0, 0, 0, 0]
    assert [one.status for one in await history(redis, team, cron)] == ["failed"] * 3
    paused = (await client.get("/api/crons/1")).json()
    assert (paused["is_active"], paused["next_run_at"], paused["next_runs"]) == (False, None, [])
    assert (paused["paused_reason"], paused["consecutive_failures"]) == (PAUSED, 3)
    assert (paused["has_ended"], paused["is_alerted"], paused["pause_after_failures"]) == (False, True, 3)
    assert [(await client.get(f"/api/crons?filter={of}")).json()["total"] for of in ("active", "paused")] == [
        0,
        1,
    ]
    assert await redis.zcard(keyspace.crons(SHARD)) == 0
    assert [one async for one in _mended(redis, team)] == []
    stale = await client.patch("/api/crons/1", json={"name": "x"}, headers={"If-Match": before})
    assert stale.status_code == 412


async def _mended(redis: Redis, team: Team) -> Any:
    async for step in reconcile.patrol(redis, team, whole=True):
        for ref in step.mended:
            yield ref
    for lost in await reconcile.patrol_crons(redis, team):
        yield lost


async def test_it_resumes_and_counts_from_zero(client: AsyncClient, redis: Redis, team: Team) -> None:
    await a_cron(redis, team, pause_after_failures=2)
    for minute in (1, 2):
        await fires(redis, minute)

    named = await changed(client, name="still paused")
    resumed = await crons.update(call_of(redis, team), 1, CronUpdate(is_active=True), NOON + 10 * MINUTE)
    ended = [await fires(redis, minute) for minute in (10, 11, 12, 13)]

    assert (named["is_active"], named["paused_reason"] is None) == (False, False)
    assert (resumed.is_active, resumed.paused_reason, resumed.consecutive_failures) == (True, None, 0)
    assert (resumed.is_alerted, resumed.next_run_at) == (False, NOON + 11 * MINUTE)
    assert ended == [0, 1, 1, 0]
    assert await alerted(client) == [
        ("warning", False, 0), ("failure", True, 0), ("warning", False, 0), ("failure", True, 0),
    ]  # fmt: skip


async def test_once_it_works_after_a_resume_its_problems_are_over(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, team, pause_after_failures=1)
    await fires(redis, 1)
    await changed(client, is_active=True)
    before = (await client.get("/api/problems")).json()["data"]

    await client.post("/api/crons/1/run")
    works = await Claims(redis, SHARD, "w").claim(9)
    await Claims(redis, SHARD, "w").finish([Result(one, Complete(), "[1,200,1,1]") for one in works])

    assert [one["state"] for one in before] == ["open"]
    assert [one["state"] for one in (await client.get("/api/problems")).json()["data"]] == ["resolved"]
    assert [kind for kind, *_ in await alerted(client)] == ["failure"]
    assert await redis.hget(f"{team.prefix}c:{team.id}:1", "resumed") is None  # type: ignore[misc]


async def test_a_success_between_begins_the_count_anew(redis: Redis, team: Team) -> None:
    await a_cron(redis, team, pause_after_failures=2)

    ends: tuple[Verdict, ...] = (Fail(), Complete(), Fail(), Fail(), Fail())
    ended = [await fires(redis, minute, verdict) for minute, verdict in enumerate(ends, 1)]

    assert ended == [1, 1, 1, 1, 0]


async def test_those_that_run_already_end_and_pause_nothing_again(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, team, pause_after_failures=2)
    for minute in range(1, 5):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)

    await end(redis, await claim(redis, NOON + 4 * MINUTE), NOON + 4 * MINUTE, Fail())

    cron = (await client.get("/api/crons/1")).json()
    assert (cron["consecutive_failures"], cron["paused_reason"][:18]) == (4, "It failed 2 times ")
    assert await alerted(client) == [("warning", False, 0), ("failure", True, 0)]


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (None, [("warning", False, 0), ("failure", True, 1)]),
        (1, [("failure", False, 1), ("failure", True, 1)]),
        (2, [("warning", False, 0), ("failure", True, 1)]),
        (3, [("warning", False, 0), ("failure", True, 1)]),
    ],
)
async def test_an_alert_goes_to_the_channels_whatever_the_threshold_is(
    client: AsyncClient, redis: Redis, team: Team, threshold: int | None, expected: list[Any]
) -> None:
    await client.put("/api/settings/notifications", json={"webhook": EXAMPLE["webhook"]})
    await a_cron(redis, team, pause_after_failures=2, alert_threshold=threshold)

    for minute in (1, 2, 3):
        await fires(redis, minute)

    assert await alerted(client) == expected
    said = (await client.get("/api/alerts")).json()["data"][0]["message"]
    assert said == "ping failed 2 times in a row: timeout. It is paused until its is_active is set to true."


async def test_one_failure_may_be_enough(client: AsyncClient, redis: Redis, team: Team) -> None:
    await a_cron(redis, team, pause_after_failures=1)

    assert [await fires(redis, minute) for minute in (1, 2)] == [1, 0]
    assert await alerted(client) == [("failure", True, 0)]
    said = (await client.get("/api/crons/1")).json()["paused_reason"]
    assert said.startswith("It failed once, and")


async def test_the_audit_trail_says_that_recuro_did_it(client: AsyncClient, redis: Redis, team: Team) -> None:
    await a_cron(redis, team, pause_after_failures=1)
    await fires(redis, 1)

    (line,) = (await client.get("/api/audit?about=cron:1&actor=recuro")).json()["data"]

    assert (line["operation"], line["reason"]) == ("update-cron", "pause_after_failures is 1")
    assert (line["token"], line["interface"]) == ("", "")
    assert line["changes"] == {"is_active": {"before": True, "after": False}}


async def test_schedulers_are_told(redis: Redis, team: Team) -> None:
    await a_cron(redis, team, pause_after_failures=1)
    await fire_due(redis, SHARD, NOON + MINUTE)
    works = await claim(redis, NOON + MINUTE)
    before = await redis.xlen(f"{team.prefix}clock")

    await end(redis, works, NOON + MINUTE, Fail())

    assert await redis.xlen(f"{team.prefix}clock") == before + 1


@pytest.mark.parametrize("due", [False, True])
async def test_why_says_that_it_was_paused(client: AsyncClient, redis: Redis, team: Team, due: bool) -> None:
    """Also of a fire that had come, and was not made when the cron was paused."""
    await a_cron(redis, team, pause_after_failures=1, cron_expression="0 * * * *")
    await fire_due(redis, SHARD, NOON + HOUR)
    works = await claim(redis, NOON + HOUR)
    at = NOON + 2 * HOUR + MINUTE if due else NOON + HOUR + MINUTE
    await redis.set(keyspace.correction(SHARD), clock.milliseconds(at) - await _redis_ms(redis))

    await end(redis, works, at, Fail())

    for hour in (2, 3):
        asked = {"at": (NOON + hour * HOUR).isoformat()}
        reasons = (await client.get("/api/crons/1/why", params=asked)).json()["reasons"]
        assert [one["verdict"] for one in reasons] == ["paused"]


async def _redis_ms(redis: Redis) -> int:
    seconds, micros = await redis.time()
    return int(seconds * 1000 + micros // 1000)


async def test_a_silent_heartbeat_is_paused_and_those_that_wait_are_skipped(redis: Redis, team: Team) -> None:
    beat = await a_cron(redis, team, mode="heartbeat", url="", grace_seconds=90, pause_after_failures=1)
    for minute in range(1, 5):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)
        await promote_due(redis, SHARD, NOON + minute * MINUTE)
    await promote_due(redis, SHARD, NOON + 6 * MINUTE)

    states = [(one.status, one.skip_reason) for one in await history(redis, team, beat)]
    assert states == [("failed", None), ("skipped", "paused"), ("skipped", "paused")]
    shown = await crons.get(redis, team, beat.id)
    assert [(one.status, one.skip_reason) for one in shown.recent_executions] == states


async def test_a_ping_of_failure_out_of_turn_pauses_too(redis: Redis, team: Team) -> None:
    beat = await a_cron(redis, team, mode="heartbeat", url="", grace_seconds=90, pause_after_failures=1)
    assert beat.ping_key

    await pings.ping(redis, beat.ping_key, Ping(Kind.FAIL, "broken"), now_ms=clock.milliseconds(NOON))

    shown = await crons.get(redis, team, beat.id)
    assert (shown.is_active, shown.next_run_at) == (False, None)


async def test_a_run_by_hand_of_one_that_is_paused_may_go_well(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, team, pause_after_failures=1)
    await fires(redis, 1)

    await client.post("/api/crons/1/run")
    await end(redis, await claim(redis, NOON + 2 * MINUTE), NOON + 2 * MINUTE)

    cron = (await client.get("/api/crons/1")).json()
    assert (cron["consecutive_failures"], cron["is_alerted"], cron["is_active"]) == (0, False, False)
    assert [one[0] for one in await alerted(client)] == ["failure", "recovery"]


async def test_somebody_who_changes_it_meanwhile_does_not_resume_it(redis: Redis, team: Team) -> None:
    await a_cron(redis, team, pause_after_failures=1)
    await fire_due(redis, SHARD, NOON + MINUTE)
    works = await claim(redis, NOON + MINUTE)

    named = asyncio.gather(
        *(
            crons.update(call_of(redis, team), 1, CronUpdate(name=f"n{number}"), NOON + MINUTE)
            for number in range(3)
        )
    )
    await end(redis, works, NOON + MINUTE, Fail())
    await named

    assert (await crons.get(redis, team, 1)).is_active is False


async def test_a_pause_by_hand_has_no_reason_and_keeps_the_count(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, team, pause_after_failures=3)
    await fires(redis, 1)

    cron = await crons.update(call_of(redis, team), 1, CronUpdate(is_active=False), NOON + 2 * MINUTE)
    resumed = await crons.update(call_of(redis, team), 1, CronUpdate(is_active=True), NOON + 2 * MINUTE)

    assert (cron.paused_reason, cron.consecutive_failures) == (None, 1)
    assert (resumed.paused_reason, resumed.consecutive_failures) == (None, 1)


async def test_a_put_by_its_key_resumes_it(client: AsyncClient, redis: Redis, team: Team) -> None:
    cron = {
        "name": "x",
        "url": "https://a.example/",
        "cron_expression": "* * * * *",
        "pause_after_failures": 1,
    }
    await client.put("/api/crons/by-key/x", json=cron)
    await client.post("/api/crons/1/run")
    now = clock.now()
    await end(redis, await claim(redis, now), now, Fail())
    paused = (await client.get("/api/crons/1")).json()

    again = (await client.put("/api/crons/by-key/x", json=cron)).json()

    assert (paused["is_active"], again["is_active"]) == (False, True)
    assert (again["consecutive_failures"], again["paused_reason"]) == (0, None)


async def test_without_it_a_cron_fails_on(client: AsyncClient, redis: Redis, team: Team) -> None:
    await a_cron(redis, team, pause_after_failures=2)
    await changed(client, pause_after_failures=None)

    assert [await fires(redis, minute) for minute in range(1, 6)] == [1] * 5


@pytest.mark.parametrize("wrong", [0, 101, "few", True, 1.5])
async def test_what_is_no_such_number_is_refused(
    client: AsyncClient, redis: Redis, team: Team, wrong: object
) -> None:
    await a_cron(redis, team)

    answer = await client.patch("/api/crons/1", json={"pause_after_failures": wrong})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["pause_after_failures"])
