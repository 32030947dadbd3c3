"""Every path through the alerts of crons, queues and teams, by what is recorded and who is told (spec §3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis

from services.scheduler.prune import prune
from services.scheduler.retire import retire_alerts
from services.worker.intake.claims import Claims
from services.worker.work import Cancelled, Complete, Dead, Fail, Result, Retry, Verdict, Work
from shared.actions import alerts, crons, executions, jobs, limits, queues
from shared.schemas.alerts import Alert, AlertQuery
from shared.schemas.crons import CronCreate, CronUpdate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate, QueueUpdate
from shared.schemas.teams import MonthlyLimits
from shared.settings import Settings
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of

NOON = 1_795_608_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BROKEN = "http_server_error 503"
FACTS = '{"url":"https://a.example/","response_status":503,"failure_reason":"http_server_error"}'
RUN = "[1,503,1,1]"


@dataclass(frozen=True, slots=True)
class Stage:
    """A team that hears of its alerts by `channels`, and a worker whose results are ours to say."""

    redis: Redis
    team: Team
    worker: Claims

    async def claim(self, now: int) -> list[Work]:
        return [work for work in await self.worker.claim(50, now) if work.kind != "n"]

    async def end(self, verdict: Verdict, now: int, reason: str = BROKEN) -> None:
        """End all that is ready, in one way."""
        failed = not isinstance(verdict, Complete | Cancelled)
        why = (reason, FACTS) if failed else ("", "")
        works = await self.claim(now)
        await self.worker.finish([Result(work, verdict, RUN, "", *why) for work in works], now)

    async def run_cron(self, cron: int, verdict: Verdict, now: int) -> None:
        await executions.create(call_of(self.redis, self.team), cron)
        await self.end(verdict, now)

    async def run_job(self, verdict: Verdict, now: int, reason: str = BROKEN) -> None:
        await jobs.create(
            call_of(self.redis, self.team), JobCreate(queue="mail", url="https://a.example/"), now
        )
        await self.end(verdict, now, reason)

    async def recorded(self) -> list[Alert]:
        """Oldest first."""
        return (await alerts.page(self.redis, self.team, AlertQuery(per_page=100))).data[::-1]

    async def story(self) -> str:
        """Each alert by its first letter, in capitals if people are told of it."""
        return "".join(
            alert.type[0].upper() if alert.deliveries else alert.type[0] for alert in await self.recorded()
        )


@pytest.fixture
async def stage(redis: Redis, team: Team) -> Stage:
    await redis.hset(keyspace.team_settings(team), "channels", "email slack")  # type: ignore[misc]
    return Stage(redis, team, Claims(redis, keyspace.SHARDS[0], "w"))


async def a_cron(stage: Stage, threshold: int | None) -> int:
    asked = CronCreate.model_validate(
        {
            "name": "Nightly",
            "url": "https://a.example/",
            "cron_expression": "0 0 1 1 *",
            "alert_threshold": threshold,
        }
    )
    return (await crons.create(call_of(stage.redis, stage.team), asked)).id


def ends(outcomes: str) -> Iterator[Verdict]:
    return (Complete() if outcome == "+" else Fail() for outcome in outcomes)


@pytest.mark.parametrize(
    ("threshold", "outcomes", "story"),
    [
        (1, "+", ""),
        (1, "-", "F"),
        (1, "---", "F"),
        (1, "-+", "FR"),
        (1, "-+-+", "FRFR"),
        (2, "-", "w"),
        (2, "--", "wF"),
        (2, "----", "wF"),
        (2, "-+", "w"),
        (2, "-+-+", "ww"),
        (2, "--+", "wFR"),
        (2, "--++", "wFR"),
        (2, "--+--+", "wFRwFR"),
        (3, "--", "w"),
        (3, "---", "wF"),
        (3, "--+---+", "wwFR"),
        (None, "-----+-", "ww"),
    ],
)
async def test_a_cron_warns_fails_and_recovers(
    stage: Stage, threshold: int | None, outcomes: str, story: str
) -> None:
    cron = await a_cron(stage, threshold)

    for number, verdict in enumerate(ends(outcomes)):
        await stage.run_cron(cron, verdict, NOON + number * MINUTE)

    assert await stage.story() == story
    shown = await crons.get(stage.redis, stage.team, cron)
    alerted = story[-1:] == "F"
    in_a_row = len(outcomes) - len(outcomes.rstrip("-"))
    assert (shown.is_alerted, shown.consecutive_failures) == (alerted, in_a_row)


async def test_an_alert_says_what_failed_since_when_and_how_often(stage: Stage) -> None:
    cron = await a_cron(stage, 3)
    for number in range(3):
        await stage.run_cron(cron, Fail(), NOON + number * MINUTE)
    await stage.run_cron(cron, Complete(), NOON + HOUR)

    _, failure, recovery = await stage.recorded()

    assert (failure.alertable_type, failure.alertable_id, failure.name) == ("cron", cron, "Nightly")
    assert failure.data.consecutive_failures == recovery.data.consecutive_failures == 3
    assert (failure.data.response_status, failure.data.url) == (503, "https://a.example/")
    assert failure.since == recovery.since
    assert round(failure.since.timestamp() * 1000) == NOON
    assert (recovery.created_at - recovery.since).total_seconds() == 3600


async def test_a_lower_threshold_holds_from_the_next_run_on(stage: Stage) -> None:
    cron = await a_cron(stage, 3)
    await stage.run_cron(cron, Fail(), NOON)

    await crons.update(call_of(stage.redis, stage.team), cron, CronUpdate(alert_threshold=1))
    await stage.run_cron(cron, Fail(), NOON + MINUTE)

    assert await stage.story() == "wF"


async def test_who_was_told_of_a_failure_is_told_of_the_recovery_too(stage: Stage) -> None:
    cron = await a_cron(stage, 1)
    await stage.run_cron(cron, Fail(), NOON)

    await crons.update(call_of(stage.redis, stage.team), cron, CronUpdate(alert_threshold=None))
    await stage.run_cron(cron, Complete(), NOON + MINUTE)

    assert await stage.story() == "FR"


@pytest.mark.parametrize(
    ("verdicts", "story"),
    [
        ([Complete()], ""),
        ([Retry(60)], "w"),
        ([Retry(60), Complete()], "w"),
        ([Retry(60), Retry(60)], "w"),
        ([Retry(60), Retry(60), Dead()], "wF"),
        ([Dead()], "F"),
        ([Fail()], "F"),
        ([Cancelled()], ""),
        ([Retry(60), Cancelled()], "w"),
    ],
)
async def test_a_queue_warns_of_a_first_failure_and_tells_of_the_last(
    stage: Stage, verdicts: Sequence[Verdict], story: str
) -> None:
    await queues.create(call_of(stage.redis, stage.team), QueueCreate(name="mail", alerts_enabled=True))
    await jobs.create(
        call_of(stage.redis, stage.team), JobCreate(queue="mail", url="https://a.example/"), NOON
    )

    for number, verdict in enumerate(verdicts):
        await stage.end(verdict, NOON + number * 2 * MINUTE)

    assert await stage.story() == story
    assert {alert.count for alert in await stage.recorded()} <= {1}


async def test_an_alert_names_a_chain_by_its_original(stage: Stage) -> None:
    await queues.create(call_of(stage.redis, stage.team), QueueCreate(name="mail", alerts_enabled=True))
    await stage.run_job(Retry(60), NOON)
    await stage.run_job(Complete(), NOON)
    await stage.end(Retry(60), NOON + 2 * MINUTE)
    await stage.end(Dead(), NOON + 4 * MINUTE)

    warning, failure = await stage.recorded()

    assert (warning.type, failure.type, failure.data.consecutive_failures) == ("warning", "failure", 3)
    assert (warning.job_id, failure.job_id) == (1, 1)


async def test_a_queue_that_did_not_ask_is_left_alone(stage: Stage) -> None:
    queue = await queues.create(call_of(stage.redis, stage.team), QueueCreate(name="mail"))
    await stage.run_job(Dead(), NOON)
    before = await stage.story()

    await queues.update(call_of(stage.redis, stage.team), queue.id, QueueUpdate(alerts_enabled=True))
    await stage.run_job(Dead(), NOON)

    assert (before, await stage.story()) == ("", "F")


async def test_failures_that_are_alike_are_told_once_an_hour_with_their_count(stage: Stage) -> None:
    await queues.create(call_of(stage.redis, stage.team), QueueCreate(name="mail", alerts_enabled=True))

    for number in range(5):
        await stage.run_job(Dead(), NOON + number * MINUTE)
    await stage.run_job(Dead(), NOON + MINUTE, "timeout")
    await stage.run_job(Dead(), NOON + HOUR)

    first, other, later = await stage.recorded()
    assert [(alert.count, alert.uncounted) for alert in (first, other, later)] == [(5, 0), (1, 0), (1, 4)]
    assert first.job_id == 5
    assert other.data.failure_reason == "http_server_error"


async def test_the_two_queues_of_a_team_do_not_share_a_count(stage: Stage) -> None:
    for name in ("mail", "sync"):
        await queues.create(call_of(stage.redis, stage.team), QueueCreate(name=name, alerts_enabled=True))
    await jobs.create(
        call_of(stage.redis, stage.team), JobCreate(queue="sync", url="https://a.example/"), NOON
    )

    await stage.run_job(Dead(), NOON)

    assert [(alert.name, alert.count) for alert in await stage.recorded()] in (
        [("sync", 1), ("mail", 1)],
        [("mail", 1), ("sync", 1)],
    )


async def test_a_job_that_expires_unsent_is_a_failure_too(stage: Stage) -> None:
    await queues.create(call_of(stage.redis, stage.team), QueueCreate(name="mail", alerts_enabled=True))
    await stage.redis.hset(keyspace.team_settings(stage.team), "request_limit", "0")  # type: ignore[misc]
    await jobs.create(
        call_of(stage.redis, stage.team), JobCreate(queue="mail", url="https://a.example/"), NOON
    )

    await stage.claim(NOON)

    (alert,) = await stage.recorded()
    assert (alert.type, alert.data.failure_reason, alert.data.url) == ("failure", "limit_exceeded", None)


async def test_a_channel_may_have_any_name_of_one_word(stage: Stage) -> None:
    place = keyspace.team_settings(stage.team)
    await stage.redis.hset(place, "channels", "email pager_2")  # type: ignore[misc]
    cron = await a_cron(stage, 1)

    await stage.run_cron(cron, Fail(), NOON)

    record = await stage.redis.hgetall(f"{stage.team.prefix}a:{stage.team.id}:1")  # type: ignore[misc]
    assert {name for name in record if name.startswith("channel:")} == {"channel:email", "channel:pager_2"}
    assert await stage.story() == "F"


async def test_the_soft_limit_is_told_once_a_month(stage: Stage) -> None:
    await limits.put(call_of(stage.redis, stage.team), MonthlyLimits(soft_limit=2))
    november, december = NOON - 10 * DAY, NOON + 10 * DAY

    for now in (november, november, november, november, december, december, december):
        await stage.run_job(Complete(), now)

    assert await stage.story() == "LL"
    assert [alert.data.consecutive_failures for alert in await stage.recorded()] == [3, 3]


async def test_a_deleted_cron_takes_its_alerts_along(stage: Stage) -> None:
    kept, cron = await a_cron(stage, 1), await a_cron(stage, 1)
    for each in (kept, cron):
        await stage.run_cron(each, Fail(), NOON)

    await crons.delete(call_of(stage.redis, stage.team), cron)
    while await prune(stage.redis, stage.team.shard):
        pass

    assert [alert.alertable_id for alert in await stage.recorded()] == [kept]
    assert len(await stage.redis.keys("*:a:1:*")) == 1


async def test_old_alerts_go_and_so_does_what_is_too_much(stage: Stage) -> None:
    cron = await a_cron(stage, 1)
    for number in range(4):
        await stage.run_cron(cron, Fail(), NOON + number * DAY)
        await stage.run_cron(cron, Complete(), NOON + number * DAY)

    went = await retire_alerts(stage.redis, stage.team, Settings(retention_days=2), NOON + 3 * DAY + 1)

    assert went == 4
    assert await stage.story() == "FRFR"
    assert len(await stage.redis.keys("*:a:1:*")) == 4


async def test_alerts_are_found_by_type_cron_and_queue(stage: Stage) -> None:
    cron = await a_cron(stage, 2)
    await queues.create(call_of(stage.redis, stage.team), QueueCreate(name="mail", alerts_enabled=True))
    await stage.run_cron(cron, Fail(), NOON)
    await stage.run_job(Dead(), NOON)

    async def found(**query: object) -> list[int]:
        asked = AlertQuery.model_validate(query)
        return [alert.id for alert in (await alerts.page(stage.redis, stage.team, asked)).data]

    assert await found() == [2, 1]
    assert await found(filter="warning") == await found(cron_id=cron) == [1]
    assert await found(filter="failure") == await found(queue_id=1) == await found(search="MAIL") == [2]
