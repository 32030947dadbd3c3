"""The tools beside the nine of the reference: schedules and their fires, many at once, queues, and the status."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mcp import Client
from redis.asyncio import Redis

from services.mcp.tools import moments
from shared import clock
from shared.errors import Invalid
from shared.security.vault import MASK
from shared.store import keyspace
from shared.store import moments as store_moments
from shared.store.keyspace import Team
from tests import dead
from tests.mcp.clients import CRON, JOB, Gateway, found, over_http, text
from tests.mcp.test_tools import call, finish_next

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
CRONTAB = """\
CRON_TZ=Europe/Berlin
# nightly report
0 2 * * * curl -fsS https://a.example.com/report
*/5 * * * * curl -X POST -H 'X-A: b' https://b.example.com/ping
"""


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return text(result)


async def some_crons(client: Client, *names: str) -> list[int]:
    return [(await call(client, "create-cron", **CRON | {"name": name}))["id"] for name in names]


async def test_a_schedule_is_explained_in_its_zone(client: Client) -> None:
    told = await call(client, "explain-cron", cron_expression="0 9 * * 1", timezone="Europe/Berlin", count=2)

    assert [one["local"][11:16] for one in told["next_runs"]] == ["09:00", "09:00"]
    assert "Monday" in told["description"]


async def test_a_cron_is_run_now_and_its_end_waited_for(gateway: Gateway, token: str, redis: Redis) -> None:
    async with over_http(gateway.url, token) as client:
        made = found(await client.call_tool("create-cron", CRON))
        unheard = found(await client.call_tool("run-cron", {"id": made["id"]}))
        ran = found(await client.call_tool("run-cron", {"id": made["id"], "wait_seconds": 1}))
        await finish_next(redis)
        await finish_next(redis)
        (first, second) = found(await client.call_tool("list-executions", {"cron_id": made["id"]}))["data"]

    assert (unheard["finished"], unheard["status"], unheard["run"]) == (False, "pending", None)
    assert (ran["finished"], ran["status"]) == (False, "pending")
    assert {first["id"], second["id"]} == {unheard["id"], ran["id"]}
    assert (first["status"], first["response_status"], first["duration_ms"]) == ("completed", 200, 142)


async def test_a_job_that_has_ended_is_not_waited_for(gateway: Gateway, token: str, redis: Redis) -> None:
    async with over_http(gateway.url, token) as client:
        made = found(await client.call_tool("create-job", JOB))
        await finish_next(redis)
        shown = found(await client.call_tool("get-job", {"id": made["id"], "wait_seconds": 50}))

    assert shown["status"] == "completed"


async def test_fires_to_come_are_listed_by_a_span(client: Client) -> None:
    (cron,) = await some_crons(client, "every five minutes")

    listed = await call(client, "list-executions", filter="due", to="1h")

    assert listed["total"] == 12
    assert {(one["cron_id"], one["status"], one["id"]) for one in listed["data"]} == {(cron, "due", None)}


async def test_fires_without_an_execution_are_told_with_the_reason(client: Client) -> None:
    (cron,) = await some_crons(client, "paused")
    await call(client, "update-cron", id=cron, is_active=False)

    listed = await call(client, "list-executions", cron_id=cron, **{"from": "10m"})

    assert [(one["verdict"], "was paused" in one["why"]) for one in listed["not_made"]] == [("paused", True)]


@pytest.mark.parametrize("given", [{"from": "yesterday"}, {"to": "2026-11-27T09:00:00"}, {"to": "7"}])
async def test_a_moment_that_is_none_is_refused_by_its_field(client: Client, given: dict[str, str]) -> None:
    said = await refused(client, "list-executions", **given)

    assert f"- {next(iter(given))}: The {next(iter(given))} field must be a moment" in said


@pytest.mark.parametrize(
    ("written", "sign", "meant"),
    [
        ("24h", "-", NOON - timedelta(days=1)),
        ("90m", "+", NOON + timedelta(minutes=90)),
        ("-2d", "+", NOON - timedelta(days=2)),
        ("+30s", "-", NOON + timedelta(seconds=30)),
        ("1W", "-", NOON - timedelta(weeks=1)),
        ("2026-11-27T09:00:00+01:00", "-", NOON - timedelta(hours=4)),
        (None, "-", None),
    ],
)
def test_a_span_counts_from_now_by_its_sign(written: str | None, sign: str, meant: datetime | None) -> None:
    assert moments.of(written, NOON, "from", sign) == meant


@pytest.mark.parametrize("written", ["999999w", "24", "h", "1y"])
def test_what_is_no_span_is_refused(written: str) -> None:
    with pytest.raises(Invalid, match="The to field must be a moment"):
        moments.of(written, NOON, "to", "+")


async def test_a_crontab_is_looked_at_then_made_once(client: Client) -> None:
    asked = {"crontab": CRONTAB, "idempotency_key": "move-7"}

    seen = await call(client, "create-crons", crontab=CRONTAB, dry_run=True)
    before = await call(client, "list-crons")
    made = await call(client, "create-crons", **asked)
    again = found(await client.call_tool("create-crons", asked))
    crons = (await call(client, "list-crons"))["data"]

    assert (seen["dry_run"], before["total"]) == (True, 0)
    assert [(one["name"], one["timezone"], one["id"]) for one in seen["crons"]] == [
        ("nightly report", "Europe/Berlin", None),
        ("b.example.com/ping", "Europe/Berlin", None),
    ]
    assert [one["next_runs"] for one in seen["crons"]] == [one["next_runs"] for one in made["crons"]]
    assert again == made
    assert [one["id"] for one in made["crons"]] == [one["id"] for one in reversed(crons)]
    posted = await call(client, "get-cron", id=crons[0]["id"])
    assert (posted["method"], posted["headers"]) == ("POST", {"X-A": MASK})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "The crons field is required"),
        ({"crons": []}, "The crons field is required"),
        ({"crons": [CRON], "crontab": CRONTAB}, "must not be given beside crontab"),
        ({"crons": [CRON, CRON | {"cron_expression": "61 * * * *"}]}, "crons.1.cron_expression"),
        (
            {"crontab": CRONTAB + "0 2 * * * /usr/bin/backup.sh\n"},
            "- crontab: The crontab field cannot be taken as it is: line 5 runs backup.sh",
        ),
        ({"crontab": CRONTAB + "0 2 * * * curl ftp://a\n"}, "line 5 names no URL"),
        (
            {"crontab": CRONTAB + "61 2 * * * curl http://a.example.com/\n"},
            "- crontab: The crontab field cannot be taken as it is: line 5: The cron_expression field",
        ),
        (
            {"crontab": "* * * * * curl http://a.example.com/\n" * 51},
            "- crontab: The crontab field must have",
        ),
        ({"crontab": CRONTAB, "timezone": "Nowhere/Else"}, "- timezone: "),
        ({"crons": [CRON | {"url": "http://169.254.169.254/"}]}, "crons.0.url"),
    ],
)
async def test_if_one_cron_is_wrong_none_is_made(client: Client, given: dict[str, Any], said: str) -> None:
    assert said in await refused(client, "create-crons", **given)
    assert (await call(client, "list-crons"))["total"] == 0


async def test_many_crons_are_changed_with_the_count_that_was_seen(client: Client) -> None:
    await some_crons(client, "test one", "test two", "other")
    asked = {"q": "name:test", "changes": {"is_active": False, "timezone": "Europe/Berlin"}}

    unseen = await refused(client, "update-crons", **asked)
    seen = await call(client, "update-crons", **asked, dry_run=True)
    off = await refused(client, "update-crons", **asked, expected_count=3)
    done = await call(client, "update-crons", **asked, expected_count=seen["matched"])

    assert "Call with dry_run: true first" in unseen
    assert "3" in off
    assert (seen["matched"], done["done"]) == (2, 2)
    assert (await call(client, "list-crons", filter="paused"))["total"] == 2


async def test_crons_of_a_host_are_changed(client: Client) -> None:
    await some_crons(client, "one")
    await call(client, "create-cron", **CRON | {"url": "https://other.example.com/"})

    done = await call(
        client, "update-crons", host="other.example.com", changes={"is_active": False}, expected_count=1
    )

    assert done["done"] == 1


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"what": "jobs", "queue": "mail", "expected_count": 2}, ["webhooks"]),
        ({"what": "jobs", "from": "1h", "expected_count": 3}, []),
        ({"what": "jobs", "to": "-1h", "expected_count": 0}, ["mail", "mail", "webhooks"]),
        ({"what": "jobs", "ids": [3]}, ["mail", "mail"]),
    ],
)
async def test_many_jobs_are_deleted(client: Client, asked: dict[str, Any], left: list[str]) -> None:
    for queue in ("mail", "mail", "webhooks"):
        await call(client, "create-job", **JOB | {"queue": queue})

    await call(client, "delete-many", **asked)

    assert sorted(one["queue"] for one in (await call(client, "list-jobs"))["data"]) == left


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"what": "crons"}, "Say which ones"),
        ({"what": "crons", "ids": [1], "q": "name:a"}, "Say which ones"),
        ({"what": "crons", "queue": "mail", "dry_run": True}, "crons are in no queue"),
        ({"what": "jobs", "queue": "mail*", "dry_run": True}, "a quote or a star"),
        ({"what": "queues", "ids": [1]}, "what"),
    ],
)
async def test_what_is_to_be_deleted_must_be_clear(client: Client, asked: dict[str, Any], said: str) -> None:
    assert said in await refused(client, "delete-many", **asked)


async def test_a_queue_is_changed_by_its_name(client: Client) -> None:
    await call(client, "create-job", **JOB)

    limited = await call(
        client, "update-queue", queue="webhooks", rate_limit={"count": 5, "per_seconds": 1}, retry_delays=[60]
    )
    paused = await call(client, "update-queue", queue="webhooks", is_active=False, rate_limit=None)
    (row,) = (await call(client, "list-queues"))["data"]

    assert (limited["rate_limit"], limited["retry_delays"]) == ({"count": 5, "per_seconds": 1}, [60])
    assert (paused["is_active"], paused["rate_limit"], paused["retry_delays"]) == (False, None, [60])
    assert (row["name"], row["is_active"], row["counts"]["pending"]) == ("webhooks", False, 1)
    assert "did you mean webhooks?" in await refused(client, "update-queue", queue="webhook", is_active=True)
    assert "Give a setting to change" in await refused(client, "update-queue", queue="webhooks")


async def test_dead_letters_are_planned_then_replayed(client: Client, redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 3)

    planned = await call(client, "replay-dead-letters", all=True, dry_run=True)
    begun = await call(client, "replay-dead-letters", all=True, rate=5, expected_count=3)
    shown = await call(client, "replay-dead-letters", replay_id=begun["replay"]["id"])
    old = await call(client, "replay-dead-letters", to="-1h", dry_run=True)
    new = await call(client, "replay-dead-letters", **{"from": "1h"}, dry_run=True)

    assert (planned["plan"]["selected"], begun["replay"]["total"]) == (3, 3)
    assert shown["replay"]["id"] == begun["replay"]["id"]
    assert (old["plan"]["selected"], new["plan"]["selected"]) == (3, 0)  # long dead
    assert "Say which dead letters" in await refused(client, "replay-dead-letters")
    assert "Say which dead letters" in await refused(client, "replay-dead-letters", ids=[1], all=True)


async def test_a_quiet_team_is_well_and_a_failing_one_says_what_to_do(
    client: Client, redis: Redis, team: Team
) -> None:
    well = await call(client, "get-status")
    await call(client, "set-alert-channel", channel="email", to=["ops@example.com"])
    await call(client, "create-job", **JOB)
    await call(client, "update-queue", queue="webhooks", is_active=False)
    await dead.dead_letters(redis, team, 2)

    ill = await call(client, "get-status")

    assert (well["is_well"], well["advice"]) == (True, [])
    assert well["token"]["may"] == ["read", "write", "admin"]
    assert ill["is_well"] is False
    assert any("2 jobs are dead letters" in one for one in ill["advice"])
    assert '1 queue is paused: "webhooks".' in ill["advice"]
    assert "1 problem is open." in ill["advice"]
    assert ill["alert_channels"] == ["email"]


async def test_crons_that_fail_or_are_overdue_are_counted_in_words(
    client: Client, redis: Redis, team: Team
) -> None:
    ids = await some_crons(client, "late", "in time", "failing")
    now = clock.milliseconds(await store_moments.now(redis, team.shard))
    late, soon = now - 61_000, now - 50_000
    due = {f"{team.id}:{ids[0]}": late, f"{team.id}:{ids[1]}": soon, f"99:{ids[2]}": late}
    await redis.zadd(keyspace.crons(team.shard), due)
    await redis.hset(f"{team.prefix}c:{team.id}:{ids[2]}", "failures", "1")  # type: ignore[misc]

    told = await call(client, "get-status")

    assert told["is_well"] is False
    assert "1 cron fails; list-executions with a cron_id tells why." in told["advice"]
    assert any(one.startswith("1 cron is overdue: no scheduler") for one in told["advice"])
    assert (told["crons_overdue"], [one["id"] for one in told["overdue_crons"]]) == (1, [ids[0]])
    assert told["overdue_crons"][0]["due_at"] == clock.moment(late).isoformat(timespec="seconds")


async def test_one_channel_is_set_and_the_others_stay(client: Client) -> None:
    hook = "https://hooks.slack.com/services/T0/B0/canary"
    await call(client, "set-alert-channel", channel="slack", url=hook)
    await call(client, "set-alert-channel", channel="email", to=["ops@example.com"])

    off = await call(client, "set-alert-channel", channel="slack", enabled=False)

    assert off["channels"]["slack"]["enabled"] is False
    assert off["channels"]["slack"]["url"].startswith("https://hooks.slack.com/")
    assert "canary" not in str(off)
    assert off["channels"]["email"]["to"] == ["ops@example.com"]
    assert "url field is required" in await refused(client, "set-alert-channel", channel="discord")
    assert "does not go with email" in await refused(
        client, "set-alert-channel", channel="email", url="https://a.example.com/"
    )
