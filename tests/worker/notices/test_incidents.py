"""Crons that fail alike: one incident, told of once, and none that stays silent."""

from dataclasses import dataclass

import pytest
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.notices import messages
from services.worker.targets import target_of
from services.worker.work import Complete, Dead, Fail, Result
from shared.actions import alerts, crons, executions, jobs, queues
from shared.schemas.alerts import Alert, AlertQuery
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.store import keyspace, transitions
from shared.store.keyspace import Team
from tests.calls import call_of

NOON, MINUTE, HOUR = 1_795_608_000_000, 60_000, 3_600_000
URL, REASON = "https://a.example/run/1", "http_server_error 503"
FACTS = '{"url":"https://a.example/run/1","response_status":503,"failure_reason":"http_server_error"}'


@dataclass(frozen=True, slots=True)
class Stage:
    """Crons with a threshold of 1 that end as a test says, in a team that hears of it by mail."""

    redis: Redis
    team: Team
    worker: Claims

    async def crons(self, count: int) -> None:
        for number in range(1, count + 1):
            fields = {
                "name": f"cron {number}",
                "url": URL,
                "cron_expression": "0 0 1 1 *",
                "alert_threshold": 1,
            }
            await crons.create(call_of(self.redis, self.team), CronCreate.model_validate(fields))

    async def run(self, *chosen: int, at: int = NOON, well: bool = False, url: str = URL) -> None:
        """Run crons one after the other, which all end in one way."""
        for cron in chosen:
            await executions.create(call_of(self.redis, self.team), cron)
            works = [work for work in await self.worker.claim(50, at) if work.kind != "n"]
            if well:
                results = [Result(work, Complete(), "[1]") for work in works]
            else:
                target = target_of(url)
                results = [Result(work, Fail(), "[1]", "", REASON, FACTS, target=target) for work in works]
            await self.worker.finish(results, at)

    async def recorded(self) -> list[Alert]:
        """Oldest first."""
        return (await alerts.page(self.redis, self.team, AlertQuery(per_page=100))).data[::-1]

    async def sent(self) -> list[tuple[str, int, int | None]]:
        """What people are told: its type, of which cron, and how many are affected."""
        told = [one for one in await self.recorded() if one.deliveries]
        return [(one.type.value, one.alertable_id, one.data.affected_crons) for one in told]

    async def set(self, state: str, until: int | None = None) -> None:
        """Of the first problem."""
        assert await transitions.change_problem(
            self.redis, self.team, problem=1, state=state, until_ms=until, now_ms=NOON
        )

    async def quiet(self, alert: int, until: int | None = None, at: int = NOON) -> int:
        """The id of the problem that is ignored then."""
        row = await transitions.quiet_alert(self.redis, self.team, alert=alert, until_ms=until, now_ms=at)
        assert row
        assert not isinstance(row, str)
        return int(row.id)


@pytest.fixture
async def stage(redis: Redis, team: Team) -> Stage:
    await redis.hset(keyspace.team_settings(team), "channels", "email")  # type: ignore[misc]
    return Stage(redis, team, Claims(redis, keyspace.SHARDS[0], "w"))


async def test_forty_crons_of_one_broken_target_are_one_incident_with_one_message(stage: Stage) -> None:
    await stage.crons(40)

    await stage.run(*range(1, 41))

    assert await stage.sent() == [("failure", 1, 40)]
    recorded = await stage.recorded()
    assert [one.type.value for one in recorded] == ["failure"] * 40
    assert [one.data.problem_id for one in recorded] == [*range(1, 41)]
    words = messages.message_of(recorded[0], "").text
    assert "40 crons are failing in this way" in words


async def test_the_first_that_works_again_ends_it_with_one_message(stage: Stage) -> None:
    await stage.crons(3)
    await stage.run(1, 2, 3)

    await stage.run(2, 1, 3, at=NOON + MINUTE, well=True)

    assert await stage.sent() == [("failure", 1, 3), ("recovery", 2, 3)]
    recovered = [one for one in await stage.recorded() if one.type == "recovery"]
    assert [one.data.problem_id for one in recovered] == [2, 1, 3]
    assert "3 crons failed in this way" in messages.message_of(recovered[0], "").text


async def test_a_cron_that_fails_on_after_that_begins_another(stage: Stage) -> None:
    await stage.crons(3)
    await stage.run(1, 2, 3)
    await stage.run(1, at=NOON + MINUTE, well=True)

    await stage.run(2, 3, 2, at=NOON + 2 * MINUTE)

    assert await stage.sent() == [("failure", 1, 3), ("recovery", 1, 3), ("failure", 2, 2)]


async def test_those_that_joined_are_told_of_after_an_hour_by_any_that_fails(stage: Stage) -> None:
    await stage.crons(4)
    await stage.run(1, 2, 3)

    await stage.run(1, 2, 3, at=NOON + HOUR - MINUTE)
    assert len(await stage.sent()) == 1
    await stage.run(3, 2, 1, at=NOON + HOUR)
    await stage.run(3, 2, 1, at=NOON + 3 * HOUR)
    await stage.run(4, at=NOON + 3 * HOUR)
    assert (await stage.sent())[-1] == ("failure", 4, 4)
    await stage.run(4, 3, 2, 1, at=NOON + 5 * HOUR)

    assert await stage.sent() == [("failure", 1, 4), ("failure", 3, 3), ("failure", 4, 4)]


async def test_one_cron_alone_is_told_of_once_however_long_it_fails(stage: Stage) -> None:
    await stage.crons(1)

    for hours in range(0, 100, 25):
        await stage.run(1, at=NOON + hours * HOUR)
    await stage.run(1, at=NOON + 100 * HOUR, well=True)

    assert await stage.sent() == [("failure", 1, 1), ("recovery", 1, 1)]


async def test_another_path_or_host_or_nothing_sent_is_another_incident(stage: Stage) -> None:
    await stage.crons(5)

    await stage.run(1)
    await stage.run(2, url="https://a.example/other")
    await stage.run(3, url="https://b.example/run/1")
    await stage.run(4, 5, url="")

    assert [of for _, of, _ in await stage.sent()] == [1, 2, 3, 4, 5]


async def test_what_is_ignored_until_a_moment_sends_nothing_and_others_of_its_incident_do(
    stage: Stage,
) -> None:
    await stage.crons(2)
    await stage.run(1)
    await stage.set("ignored", NOON + HOUR)

    await stage.run(1, at=NOON + MINUTE)
    await stage.run(1, at=NOON + MINUTE, well=True)
    await stage.run(1, at=NOON + MINUTE)
    assert await stage.sent() == [("failure", 1, 1)]
    await stage.set("open")
    await stage.run(1, at=NOON + 2 * MINUTE)
    await stage.set("ignored", NOON + HOUR)
    await stage.run(2, at=NOON + 3 * MINUTE)
    await stage.run(1, at=NOON + 4 * MINUTE, well=True)
    await stage.run(2, at=NOON + 5 * MINUTE, well=True)

    assert await stage.sent() == [("failure", 1, 1), ("failure", 1, 2), ("recovery", 2, 2)]


async def test_what_is_ignored_until_it_recovers_tells_that_it_did_and_alerts_again(stage: Stage) -> None:
    await stage.crons(1)
    await stage.run(1)
    await stage.set("ignored")

    await stage.run(1, 1, at=NOON + MINUTE)
    assert len(await stage.recorded()) == 1
    await stage.run(1, at=NOON + 2 * MINUTE, well=True)
    await stage.run(1, at=NOON + 3 * MINUTE)

    assert await stage.sent() == [("failure", 1, 1), ("recovery", 1, 1), ("failure", 1, 1)]
    failed, recovered, again = await stage.recorded()
    assert [one.was_quiet for one in (failed, recovered, again)] == [False, True, False]
    assert recovered.message == (
        "cron 1 works again after it failed 3 times. It was ignored until then, and is no more."
    )
    assert "from now on you hear of it again" in messages.message_of(recovered, "").text


async def test_an_incident_is_quiet_until_one_of_its_crons_works_again(stage: Stage) -> None:
    """Also for those that join it: the alert names one cron of many."""
    await stage.crons(6)
    await stage.run(1, 2, 3)

    assert await stage.quiet(2) == 2
    await stage.run(*range(1, 6), at=NOON + HOUR)
    await stage.run(*range(1, 7), at=NOON + 5 * HOUR)
    assert await stage.sent() == [("failure", 1, 6)]
    await stage.run(3, 2, 1, at=NOON + 6 * HOUR, well=True)
    assert (await stage.sent())[1:] == [("recovery", 3, 6)]
    recovered = [one for one in await stage.recorded() if one.type == "recovery"]
    assert [(one.was_quiet, bool(one.deliveries)) for one in recovered] == [
        (True, True),
        (True, False),
        (False, False),
    ]

    await stage.run(1, 2, 3, at=NOON + 7 * HOUR)

    assert (await stage.sent())[2:] == [("failure", 1, 3)]


async def test_an_incident_that_is_quiet_until_a_moment_is_told_of_after_it(stage: Stage) -> None:
    await stage.crons(3)
    await stage.run(1, 2)
    await stage.quiet(1, NOON + 3 * HOUR)

    await stage.run(2, 3, at=NOON + 2 * HOUR)
    await stage.run(2, at=NOON + 2 * HOUR, well=True)
    assert await stage.sent() == [("failure", 1, 3)]
    await stage.run(1, 3, 1, at=NOON + 3 * HOUR)
    await stage.run(3, at=NOON + 4 * HOUR, well=True)

    assert (await stage.sent())[1:] == [("failure", 1, 3), ("recovery", 3, 3)]
    assert not any(one.was_quiet for one in await stage.recorded())


async def test_who_is_left_alone_in_a_quiet_incident_leaves_it_quiet_for_those_that_join(
    stage: Stage,
) -> None:
    await stage.crons(2)
    await stage.run(1)
    await stage.quiet(1, NOON + 3 * HOUR)

    await stage.run(1, at=NOON + HOUR, well=True)
    await stage.run(2, at=NOON + 2 * HOUR)

    assert await stage.sent() == [("failure", 1, 2)]


async def test_who_opens_the_problem_hears_of_the_incident_again(stage: Stage) -> None:
    await stage.crons(2)
    await stage.run(1)
    await stage.quiet(1)
    await stage.run(2, at=NOON + MINUTE)

    await stage.set("open")
    await stage.run(2, 2, at=NOON + 2 * MINUTE)

    assert await stage.sent() == [("failure", 1, 2), ("failure", 2, 2)]


async def test_an_incident_of_another_target_is_not_quiet(stage: Stage) -> None:
    await stage.crons(3)
    await stage.run(1)
    await stage.run(1, at=NOON + MINUTE, well=True)
    await stage.run(1, at=NOON + 2 * MINUTE, url="https://b.example/")

    assert await stage.quiet(1) == 1
    await stage.run(2, at=NOON + 2 * HOUR, url="https://b.example/")
    await stage.run(3, at=NOON + 4 * HOUR)

    assert [one for one in await stage.sent() if one[0] == "failure"] == [
        ("failure", 1, 1),
        ("failure", 1, 2),
        ("failure", 2, 2),
        ("failure", 3, 1),
    ]


async def test_a_quiet_incident_is_found_for_as_long_as_it_fails(stage: Stage) -> None:
    await stage.crons(2)
    await stage.run(1, 2)
    await stage.quiet(1)
    group = f"g:{stage.team.id}:crons:failure:{REASON}|{target_of(URL)}"
    before = await stage.redis.zscore(f"{stage.team.prefix}fading", group)

    await stage.run(2, at=NOON + HOUR)

    after = await stage.redis.zscore(f"{stage.team.prefix}fading", group)
    assert before
    assert after
    assert after > before


@pytest.mark.parametrize(("alert", "answer"), [(1, "past"), (99, None)])
async def test_what_cannot_be_quiet_changes_nothing(stage: Stage, alert: int, answer: str | None) -> None:
    await stage.crons(1)
    await stage.run(1)

    said = await transitions.quiet_alert(stage.redis, stage.team, alert=alert, until_ms=NOON, now_ms=NOON + 1)

    assert said == answer
    assert not await stage.redis.hexists(f"{stage.team.prefix}a:1:1", "hushed")  # type: ignore[misc]


async def test_what_is_ignored_at_first_is_told_of_when_that_ends(stage: Stage) -> None:
    await stage.crons(1)
    await stage.run(1)
    await stage.run(1, well=True)
    await stage.set("ignored")
    await stage.run(1, 1, at=NOON + MINUTE)
    assert [one.type.value for one in await stage.recorded()] == ["failure", "recovery"]

    await stage.set("open")
    await stage.run(1, at=NOON + 2 * MINUTE)

    assert await stage.sent() == [("failure", 1, 1), ("recovery", 1, 1), ("failure", 1, 1)]


async def test_an_ignored_problem_of_a_queue_makes_no_alert(stage: Stage) -> None:
    call = call_of(stage.redis, stage.team)
    await queues.create(call, QueueCreate(name="mail", alerts_enabled=True))

    async def fail(url: str) -> None:
        await jobs.create(call, JobCreate(queue="mail", url=url), NOON)
        works = [work for work in await stage.worker.claim(9, NOON) if work.kind == "j"]
        results = [Result(work, Dead(), "[1]", "", REASON, FACTS, target=target_of(url)) for work in works]
        await stage.worker.finish(results, NOON)

    await fail(URL)
    await stage.redis.delete(*[key async for key in stage.redis.scan_iter(f"{stage.team.prefix}g:*")])
    await stage.set("ignored")
    await fail(URL)
    assert [one.data.problem_id for one in await stage.recorded()] == [1]

    await fail("https://b.example/")

    seen = [(one.data.problem_id, one.data.affected_crons) for one in await stage.recorded()]
    assert seen == [(1, None), (2, None)]
