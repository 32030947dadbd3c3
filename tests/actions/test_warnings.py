"""What is accepted and will not do what was meant is said, and nothing else is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from shared import clock
from shared.actions import crons, jobs, queues, warnings
from shared.schemas.crons import CronCreate, CronUpdate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of

CRON = {"name": "Tidy", "url": "https://a.example/tidy", "cron_expression": "*/5 * * * *"}
JOB = {"queue": "mail", "url": "https://a.example/send"}
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


async def of_cron(redis: Redis, team: Team, **fields: Any) -> list[str]:
    asked = CronCreate.model_validate(CRON | fields)
    return list(
        (await warnings.saved_cron(redis, team, await crons.create(call_of(redis, team), asked))).warnings
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"is_active": False}, "It is paused: it will not fire until is_active is true."),
        ({"method": "GET", "payload": "{}"}, "A GET with a body: it is sent, and many servers ignore it."),
        ({"method": "DELETE", "payload": "x"}, "A DELETE with a body"),
        ({"callback_url": CRON["url"]}, "callback_url is the url itself"),
        ({"cron_expression": "0 0 31 * *"}, "Not every month has a day 31; L is the last day of each."),
        (
            {"cron_expression": "* * * * *", "timeout_seconds": 61},
            "fires again after 60 s, and a request may take 61 s",
        ),
        ({"cron_expression": "0 0 1 * MON"}, "Both day fields are set"),
        ({"cron_expression": "* * 1 * *"}, "It fires every minute of the days it names"),
        ({"cron_expression": "*/60 * * * *"}, "*/60 of the minute is its first one alone"),
        ({"alert_threshold": 1}, "alert_threshold is set, and the team has no alert channel"),
        (
            {"url": "http://a.example/", "headers": {"Authorization": "x"}},
            "The Authorization header goes over http://",
        ),
        (
            {"url": "http://a.example/", "headers": {"X-Api-Key": "x"}},
            "The X-Api-Key header goes over http://",
        ),
        (
            {"payload": "a=1", "headers": {"content-type": "application/json"}},
            "The payload is no JSON, and the Content-Type",
        ),
        (
            {"payload": '{"a": 1}', "headers": {"Content-Type": "text/xml"}},
            "The payload is JSON, and the Content-Type",
        ),
    ],
    ids=str,
)
async def test_a_cron_is_told_what_will_not_do_what_was_meant(
    redis: Redis, team: Team, fields: dict[str, Any], said: str
) -> None:
    (warning,) = await of_cron(redis, team, **fields)

    assert warning.startswith(said) or said in warning


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"method": "GET"},
        {"method": "POST", "payload": '{"a": 1}', "headers": {"Content-Type": "application/vnd.api+json"}},
        {"payload": "a=1", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"payload": "5", "headers": {"Content-Type": "text/xml"}},
        {"payload": '{"a": 1}', "headers": {"Content-Type": "text/plain"}},
        {"url": "http://127.0.0.1:9000/", "headers": {"Authorization": "x"}},
        {"url": "http://a.example/", "headers": {"X-Shop": "42"}},
        {"cron_expression": "* * * * *", "timeout_seconds": 61, "overlap_policy": "skip"},
        {"cron_expression": "0 0 L * *"},
        {"max_runs": 1},
        {"callback_url": "https://a.example/done"},
        {"mode": "heartbeat", "url": "", "alert_threshold": None},
    ],
    ids=str,
)
async def test_a_cron_that_does_what_was_meant_is_told_nothing(
    redis: Redis, team: Team, fields: dict[str, Any]
) -> None:
    assert await of_cron(redis, team, **fields) == []


async def test_a_channel_that_is_set_up_is_enough_for_a_threshold(redis: Redis, team: Team) -> None:
    await redis.hset(keyspace.team_settings(team), "channels", "slack")  # type: ignore[misc]

    assert await of_cron(redis, team, alert_threshold=2) == []


async def test_few_fires_before_the_end_are_named(redis: Redis, team: Team) -> None:
    minute = clock.now().replace(second=0, microsecond=0)
    ends = minute + timedelta(minutes=2)

    (warning,) = await of_cron(redis, team, cron_expression="* * * * *", ends_at=ends.isoformat())

    assert warning.startswith("Before its ends_at it fires only at ")
    assert ends.isoformat() in warning


async def test_a_cron_that_has_ended_says_so_at_a_change(redis: Redis, team: Team) -> None:
    cron = await crons.create(call_of(redis, team), CronCreate.model_validate(CRON))

    ended = await crons.update(
        call_of(redis, team), cron.id, CronUpdate(ends_at=clock.now() - timedelta(days=1))
    )

    assert warnings.of_cron(ended, clock.now()) == [
        "It has ended: no fire is left. Give a later ends_at, or more max_runs."
    ]


async def test_a_first_fire_that_is_far_is_named(redis: Redis, team: Team) -> None:
    cron = await crons.create(
        call_of(redis, team), CronCreate.model_validate(CRON | {"cron_expression": "0 0 29 2 *"})
    )

    assert warnings.of_cron(cron, NOW) == [
        "It fires first at 2028-02-29T00:00:00+00:00, more than a year from now.",
        "Only leap years have a 29 February.",
    ]


async def test_a_key_that_every_fire_carries_is_told(redis: Redis, team: Team) -> None:
    cron = await crons.create(call_of(redis, team), CronCreate.model_validate(CRON))

    (warning,) = warnings.of_cron(cron.model_copy(update={"headers": {"idempotency-key": "k"}}), clock.now())

    assert warning.startswith("Every fire carries the same Idempotency-Key")


@pytest.mark.parametrize(
    ("fields", "is_paused", "said"),
    [
        ({"method": "GET", "payload": {"a": 1}}, False, "A GET with a body"),
        ({"callback_url": JOB["url"]}, False, "callback_url is the url itself"),
        (
            {"url": "http://a.example/", "headers": {"Cookie": "x"}},
            False,
            "The Cookie header goes over http://",
        ),
        ({"body": "{}", "headers": {"Content-Type": "text/xml"}}, False, "The body is JSON, and the"),
        ({"body": "a", "headers": {"Content-Type": "application/json"}}, False, "The body is no JSON, and"),
        ({"method": "GET", "body": "a"}, False, "A GET with a body"),
        ({}, True, "The queue mail is paused: the job waits until the queue's is_active is true."),
        ({}, False, None),
        ({"method": "DELETE"}, False, None),
        ({"payload": {"a": 1}, "headers": {"Content-Type": "application/json"}}, False, None),
        ({"url": "HTTP://LOCALHOST:9/", "headers": {"Cookie": "x"}}, False, None),
    ],
)
def test_a_job_is_told_what_will_not_do_what_was_meant(
    fields: dict[str, Any], is_paused: bool, said: str | None
) -> None:
    found = warnings.of_job(JobCreate.model_validate(JOB | fields), is_paused=is_paused)

    assert [warning.startswith(said or "") for warning in found] == [True] * (said is not None)


async def test_a_queue_says_that_it_is_paused_and_that_nobody_hears_of_it(redis: Redis, team: Team) -> None:
    queue = await queues.create(
        call_of(redis, team), QueueCreate(name="mail", is_active=False, alerts_enabled=True)
    )

    told = await warnings.saved_queue(redis, team, queue)

    assert [warning.partition(",")[0] for warning in told.warnings] == [
        "The queue is paused: its jobs wait until is_active is true.",
        "alerts_enabled is set",
    ]


async def test_the_same_cron_again_within_a_minute_is_told(redis: Redis, team: Team) -> None:
    assert await of_cron(redis, team, headers={"X-A": "1"}) == []

    (said,) = await of_cron(redis, team, headers={"X-A": "1"})

    assert said.startswith("Cron 1 is the same and was made ")
    assert "s before: if this repeats it, delete one of them" in said
    assert await of_cron(redis, team, headers={"X-A": "2"}) == []


async def test_the_same_cron_after_a_minute_is_not(redis: Redis, team: Team) -> None:
    before = clock.now() - timedelta(seconds=61)
    await crons.create(call_of(redis, team), CronCreate.model_validate(CRON), before)

    assert await of_cron(redis, team) == []


async def test_a_change_of_a_cron_is_no_repeat(redis: Redis, team: Team) -> None:
    await of_cron(redis, team)
    await of_cron(redis, team, name="Other")

    changed = await crons.update(call_of(redis, team), 2, CronUpdate.model_validate({"name": "Tidy"}))

    assert (await warnings.saved_cron(redis, team, changed)).warnings == ()


async def test_the_same_job_again_is_told_but_no_retry_of_it(redis: Redis, team: Team) -> None:
    job = JobCreate.model_validate(JOB)
    first, second = await jobs.create_many(call_of(redis, team), [job, job])
    await redis.hset(f"{team.prefix}j:{team.id}:{first.id}", "attempt", "2")  # type: ignore[misc]
    retried = await warnings.job_again(redis, team, second.id)
    third = await jobs.create(call_of(redis, team), job)

    (said,) = await warnings.job_again(redis, team, third.id)

    assert retried == []
    assert said.startswith(f"Job {second.id} is the same")


async def test_of_a_job_that_is_gone_already_nothing_is_told(redis: Redis, team: Team) -> None:
    job = JobCreate.model_validate(JOB)
    _, _, last = await jobs.create_many(call_of(redis, team), [job, job, job])
    await jobs.delete(call_of(redis, team), last.id)

    assert await warnings.job_again(redis, team, last.id) == []


async def test_a_new_queue_that_is_almost_another_is_told_once_made(redis: Redis, team: Team) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="webhooks"))
    slip = await queues.create(call_of(redis, team), QueueCreate(name="Web-hook"))
    asked = [JobCreate.model_validate(JOB | {"queue": queue}) for queue in ("web-hooks", "mail", "webhooks")]
    made = await jobs.create_many(call_of(redis, team), asked)

    of_jobs = await warnings.made_jobs(redis, team, asked, made)
    of_queue = (await warnings.saved_queue(redis, team, slip, is_new=True)).warnings

    assert [said[0].partition(":")[0] if said else "" for said in of_jobs] == [
        "The queue web-hooks is new, and webhooks is almost the same name",
        "",
        "",
    ]
    assert of_queue[0].startswith("The queue Web-hook is new, and web")
    assert (await warnings.saved_queue(redis, team, slip)).warnings == ()


async def test_of_many_new_queues_some_are_compared(redis: Redis, team: Team) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="webhooks"))
    asked = [JobCreate.model_validate(JOB | {"queue": f"webhook{letter}"}) for letter in "abcdefg"]
    made = await jobs.create_many(call_of(redis, team), asked)

    found = await warnings.made_jobs(redis, team, asked, made)

    assert list(map(len, found)) == [1] * warnings.NEW_QUEUES + [0] * (7 - warnings.NEW_QUEUES)


async def test_a_job_in_a_known_queue_costs_no_command_for_advice(redis: Redis, team: Team) -> None:
    async def commands() -> dict[str, int]:
        stats = await redis.info("commandstats")
        return {
            name: of["calls"] for name, of in stats.items() if name not in ("cmdstat_info", "cmdstat_ping")
        }

    job = JobCreate.model_validate(JOB)
    await jobs.create(call_of(redis, team), job)
    made = await jobs.create(call_of(redis, team), job)
    before = await commands()

    assert await warnings.made_jobs(redis, team, [job], [made]) == [()]
    assert await commands() == before
