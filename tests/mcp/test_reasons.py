"""An agent is told why: of what failed, of what waits, and of what will not do what was meant."""

from typing import Any

from mcp import Client
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Fail, Postpone, Result, Verdict
from shared.actions import crons, executions, pings, queues
from shared.actions.pings import Kind, Ping
from shared.schemas.crons import CronCreate
from shared.schemas.queues import QueueUpdate
from shared.store.keyspace import SHARDS, Team
from tests.calls import call_of
from tests.mcp.clients import CRON, JOB
from tests.mcp.test_tools import call

SILENT = '{"url":"https://a.example/","response_status":null,"failure_reason":"timeout","error_message":"It did not answer within 30 s."}'


async def end_next(redis: Redis, verdict: Verdict, run: str, facts: str = "") -> None:
    hands = Claims(redis, SHARDS[0], "a-worker")
    (work,) = await hands.claim(1)
    await hands.finish([Result(work, verdict, run, "", "timeout" if facts else "", facts)])


def reason(shown: dict[str, Any]) -> tuple[Any, ...]:
    return shown["last_status"], shown["last_response"], shown["last_failure_reason"], shown["last_error"]


async def test_a_cron_says_why_its_last_run_failed_until_one_goes_well(
    client: Client, redis: Redis, team: Team
) -> None:
    made = await call(client, "create-cron", **CRON)
    new = await call(client, "get-cron", id=made["id"])
    await executions.create(call_of(redis, team), made["id"])
    await end_next(redis, Fail(), "[1,null,1,1]", SILENT)

    failed = await call(client, "get-cron", id=made["id"])
    await executions.create(call_of(redis, team), made["id"])
    await end_next(redis, Complete(), "[1,200,1,1]")
    well = await call(client, "get-cron", id=made["id"])

    assert reason(new) == (None, None, None, None)
    assert reason(failed) == ("failed", None, "timeout", "It did not answer within 30 s.")
    assert reason(well) == ("completed", None, None, None)


async def test_a_run_that_ended_without_facts_says_what_its_record_says(
    client: Client, redis: Redis, team: Team
) -> None:
    made = await call(client, "create-cron", **CRON)
    await executions.create(call_of(redis, team), made["id"])

    await end_next(
        redis, Fail(), '{"failure_reason":"cancelled","error_message":"It was cancelled before it ended."}'
    )

    shown = await call(client, "get-cron", id=made["id"])
    assert reason(shown) == ("failed", None, "cancelled", "It was cancelled before it ended.")


async def test_a_heartbeat_whose_ping_said_that_it_failed_says_so(
    redis: Redis, team: Team, client: Client
) -> None:
    asked = {"name": "backup", "mode": "heartbeat", "cron_expression": "0 0 1 1 *"}
    cron = await crons.create(call_of(redis, team), CronCreate.model_validate(asked))
    assert cron.ping_key

    await pings.ping(redis, cron.ping_key, Ping(Kind.FAIL, "disk full"))

    shown = await call(client, "get-cron", id=cron.id)
    assert reason(shown) == ("failed", "disk full", "ping_failed", "The ping said that it failed.")
    assert shown["mode"] == "heartbeat"
    assert cron.ping_key not in str(shown)


async def test_a_job_says_why_it_failed_and_what_it_waits_for(client: Client, redis: Redis) -> None:
    failed = await call(client, "create-job", **JOB)
    await end_next(
        redis, Fail(), '{"failure_reason":"timeout","error_message":"It did not answer within 30 s."}', SILENT
    )
    waiting = await call(client, "create-job", **JOB)
    hands = Claims(redis, SHARDS[0], "a-worker")
    (work,) = await hands.claim(1)
    await hands.finish(
        [Result(work, Postpone(60, "its host asked for a rest"), facts="its host asked for a rest")]
    )

    first = await call(client, "get-job", id=failed["id"])
    second = await call(client, "get-job", id=waiting["id"])

    assert (first["failure_reason"], first["run"]["error_message"]) == (
        "timeout",
        "It did not answer within 30 s.",
    )
    assert (second["failure_reason"], second["waits_for"]) == (None, "its host asked for a rest")


async def test_writes_that_will_not_do_what_was_meant_are_answered_with_warnings(
    client: Client, redis: Redis, team: Team
) -> None:
    cron = await call(client, "create-cron", **CRON, is_active=False, payload="{}")
    resumed = await call(client, "update-cron", id=cron["id"], is_active=True, method="POST")
    first = await call(client, "create-job", **JOB)
    await queues.update(call_of(redis, team), first["queue_id"], QueueUpdate(is_active=False))

    second = await call(client, "create-job", **JOB)

    assert list(cron)[-1] == list(second)[-1] == "warnings"
    assert [warning.partition(":")[0] for warning in cron["warnings"]] == [
        "It is paused",
        "A GET with a body",
    ]
    assert "warnings" not in resumed
    assert "warnings" not in first
    assert [warning.partition(":")[0].partition(" and ")[0] for warning in second["warnings"]] == [
        "The queue webhooks is paused",
        f"Job {first['id']} is the same",
    ]
