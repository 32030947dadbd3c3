"""What the nine tools of the reference take and answer beside it: policies, dry runs, spans, warnings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mcp import Client
from redis.asyncio import Redis

from services.worker.work import Fail
from shared.store.keyspace import Team
from tests import dead
from tests.mcp.clients import CRON, JOB, found
from tests.mcp.test_more_tools import refused, some_crons
from tests.mcp.test_reasons import SILENT, end_next
from tests.mcp.test_tools import call

OK = {"type": "body_contains", "value": "ok"}


async def fail_once(client: Client, redis: Redis, cron_id: int) -> None:
    await call(client, "run-cron", id=cron_id)
    run = '{"failure_reason":"timeout","error_message":"It did not answer within 30 s."}'
    await end_next(redis, Fail(), run, SILENT)


async def test_a_cron_has_a_policy_from_its_first_day_and_another_later(client: Client) -> None:
    asked = {"overlap_policy": "skip", "max_runs": 9, "misfire_policy": "skip", "pause_after_failures": 3}
    made = await call(client, "create-cron", **CRON, **asked, success_assertions=[OK], labels={"team": "ops"})

    shown = await call(client, "get-cron", id=made["id"])
    changed = await call(
        client, "update-cron", id=made["id"], overlap_policy="allow", max_runs=None, labels={"team": "web"}
    )

    assert {name: shown[name] for name in asked} == asked
    assert (shown["success_assertions"], shown["labels"]) == ([OK], {"team": "ops"})
    assert shown["description"] == "Every 5 minutes, 9 times in all"
    assert (changed["overlap_policy"], changed["max_runs"]) == ("allow", None)
    assert (changed["misfire_policy"], changed["labels"]) == ("skip", {"team": "web"})


async def test_assertions_may_come_as_text_and_a_wrong_one_is_named(client: Client) -> None:
    made = await call(
        client,
        "create-cron",
        **CRON,
        success_assertions='[{"type": "header_equals", "name": "X", "value": "1"}]',
    )
    shown = await call(client, "get-cron", id=made["id"])

    said = await refused(
        client, "create-cron", **CRON, success_assertions=[{"type": "status", "value": "200"}]
    )

    assert shown["success_assertions"] == [{"type": "header_equals", "name": "X", "value": "1"}]
    assert "- success_assertions.0" in said


async def test_a_dry_run_of_a_cron_answers_as_if_and_makes_nothing(client: Client) -> None:
    asked = CRON | {"method": "GET", "payload": "{}", "timezone": "Europe/Berlin"}
    seen = await call(client, "create-cron", **asked, dry_run=True)
    before = await call(client, "list-crons")

    made = await call(client, "create-cron", **asked)

    assert (seen["id"], seen["dry_run"], before["total"]) == (None, True, 0)
    assert "dry_run" not in made
    same = ("name", "cron_expression", "next_run_at", "next_runs", "description", "warnings", "timezone")
    assert {name: seen[name] for name in same} == {name: made[name] for name in same}
    assert seen["warnings"][0].startswith("A GET with a body")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ends_at": "2020-01-01T00:00:00Z"}, "The ends_at field must leave the cron a time to fire"),
        (
            {"starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"},
            "The ends_at field must be later than starts_at",
        ),
        ({"url": "http://169.254.169.254/"}, "The url field cannot be called"),
    ],
)
async def test_a_dry_run_refuses_what_the_creation_would(
    client: Client, fields: dict[str, Any], said: str
) -> None:
    assert said in await refused(client, "create-cron", **CRON | fields, dry_run=True)
    assert said in await refused(client, "create-cron", **CRON | fields)


async def test_a_dry_run_of_a_job_knows_its_queue(client: Client, redis: Redis) -> None:
    new = await call(client, "create-job", **JOB, dry_run=True)
    empty = await call(client, "list-queues")
    made = await call(client, "create-job", **JOB, labels={"team": "ops"})
    await call(client, "update-queue", queue=JOB["queue"], is_active=False)

    known = await call(client, "create-job", **JOB, delay=60, dry_run=True)
    shown = await call(client, "get-job", id=made["id"])

    assert (new["id"], new["queue_id"], new["queue_is_new"], new["dry_run"]) == (None, None, True, True)
    assert (empty["total"], made["queue_is_new"]) == (0, True)
    assert (known["queue_id"], known["queue_is_new"]) == (made["queue_id"], False)
    assert known["scheduled_at"] > made["scheduled_at"]
    assert "is paused" in known["warnings"][0]
    assert shown["labels"] == {"team": "ops"}


async def test_failing_crons_are_listed_with_the_reason(client: Client, redis: Redis) -> None:
    well, ill = await some_crons(client, "well", "ill")
    await call(client, "update-cron", id=well, timezone="Europe/Berlin")
    await fail_once(client, redis, ill)

    failing = await call(client, "list-crons", filter="failing")
    (first,) = (await call(client, "list-crons", per_page=1, page=2))["data"]

    assert [(one["id"], one["last_status"], one["last_error"]) for one in failing["data"]] == [
        (ill, "failed", "It did not answer within 30 s.")
    ]
    assert (first["id"], first["timezone"]) == (well, "Europe/Berlin")
    assert "last_error" not in first
    assert (await call(client, "list-crons", filter="failing", q="name:well"))["total"] == 0


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"from": "1h"}, 2),
        ({"to": "-1h"}, 0),
        ({"from": "-1h", "to": "+1h", "filter": "failed"}, 1),
        ({"from": "2020-01-01T00:00:00Z", "queue": "webhooks", "q": "method:post"}, 2),
        ({"to": "2020-01-01T00:00:00Z"}, 0),
    ],
)
async def test_jobs_of_a_span_are_listed(
    client: Client, redis: Redis, asked: dict[str, Any], count: int
) -> None:
    await call(client, "create-job", **JOB)
    await end_next(redis, Fail(), '{"response_status":503,"failure_reason":"http_server_error"}', "")
    await call(client, "create-job", **JOB | {"url": "https://api.example.com/other"})

    listed = await call(client, "list-jobs", **asked)

    assert listed["total"] == count
    if asked.get("filter") == "failed":
        assert (listed["data"][0]["response_status"], listed["data"][0]["failure_reason"]) == (
            503,
            "http_server_error",
        )


async def test_a_moment_that_is_none_is_refused_by_list_jobs_too(client: Client) -> None:
    assert "- from: The from field must be a moment" in await refused(client, "list-jobs", **{"from": "now"})


async def test_all_crons_are_changed_only_when_that_is_said(client: Client) -> None:
    await some_crons(client, "one", "two")
    await call(client, "create-cron", **CRON | {"name": "three"}, is_active=False)
    asked = {"all": True, "changes": {"timezone": "Europe/Berlin", "alert_threshold": 1}}

    nothing = await refused(client, "update-crons", changes={"timezone": "Europe/Berlin"}, expected_count=3)
    twice = await refused(client, "update-crons", **asked, q="name:one", dry_run=True)
    seen = await call(client, "update-crons", **asked, dry_run=True)
    done = await call(client, "update-crons", **asked, expected_count=seen["matched"])
    rows = (await call(client, "list-crons"))["data"]

    assert "Say which ones" in nothing
    assert "The all field does not go with q or host" in twice
    assert (seen["matched"], done["done"]) == (3, 3)
    assert {row["timezone"] for row in rows} == {"Europe/Berlin"}
    assert "the team has no alert channel" in seen["warnings"][0]


async def test_the_same_creation_again_is_warned_of_but_a_repeat_with_a_key_is_not(client: Client) -> None:
    first = await call(client, "create-cron", **CRON, idempotency_key="one")
    repeated = found(await client.call_tool("create-cron", CRON | {"idempotency_key": "one"}))
    again = await call(client, "create-cron", **CRON)
    job = await call(client, "create-job", **JOB, payload={"n": 1})
    other = await call(client, "create-job", **JOB, payload={"n": 2})
    same = await call(client, "create-job", **JOB, payload={"n": 1})

    assert repeated == first
    assert not {"warnings"} & {*first, *job, *other}
    assert again["warnings"][0].startswith(f"Cron {first['id']} is the same and was made ")
    assert same["warnings"][0].startswith(f"Job {job['id']} is the same and was made ")


async def test_a_new_queue_that_is_almost_another_is_warned_of(client: Client, team: Team) -> None:
    await call(client, "create-job", **JOB)

    seen = await call(client, "create-job", **JOB | {"queue": "webhook"}, dry_run=True)
    slip = await call(client, "create-job", **JOB | {"queue": "webhook"})
    known = await call(client, "create-job", **JOB | {"queue": "webhook", "url": "https://b.example.com/"})

    assert seen["warnings"] == slip["warnings"]
    assert slip["warnings"][0].startswith("The queue webhook is new, and webhooks is almost the same name")
    assert (slip["queue_is_new"], known["queue_is_new"]) == (True, False)
    assert "warnings" not in known


async def test_what_is_sent_again_to_a_paused_queue_is_warned_of(
    client: Client, redis: Redis, team: Team
) -> None:
    await dead.dead_letters(redis, team, 1)
    active = await call(client, "replay-dead-letters", queue="mail", dry_run=True)
    await call(client, "update-queue", queue="mail", is_active=False)

    planned = await call(client, "replay-dead-letters", queue="mail", dry_run=True)
    begun = await call(client, "replay-dead-letters", queue="mail", expected_count=1)

    assert "warnings" not in active
    assert planned["warnings"] == begun["warnings"]
    assert planned["warnings"][0].startswith('The queue "mail" is paused: what is sent again there')


async def test_a_job_starts_at_its_moment_for_whom_it_is(client: Client) -> None:
    ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    asked = JOB | {"at": ahead.isoformat(), "key": "customer 7"}

    seen = await call(client, "create-job", **asked, dry_run=True)
    made = await call(client, "create-job", **asked, expires_at=(ahead + timedelta(hours=1)).isoformat())
    shown = await call(client, "get-job", id=made["id"])
    again = await call(client, "create-job", **asked)
    later = await call(client, "create-job", **asked | {"at": (ahead + timedelta(hours=1)).isoformat()})
    for_another = await call(client, "create-job", **asked | {"key": "customer 8"})

    assert seen["scheduled_at"] == made["scheduled_at"] == shown["scheduled_at"] == ahead.isoformat()
    assert (shown["key"], shown["expires_at"]) == (
        "customer 7",
        (ahead + timedelta(hours=1)).isoformat(),
    )
    assert again["warnings"][0].startswith(f"Job {made['id']} is the same")
    assert not {"warnings"} & {*made, *later, *for_another}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"at": "2999-01-01T00:00:00Z"}, "The at field must be at most a year ahead"),
        ({"at": "2026-01-01T00:00:00Z", "delay": 5}, "The at field cannot be combined with delay"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "The expires_at field must be later than now"),
        ({"at": "tomorrow"}, "- at: "),
        ({"key": ""}, "- key: "),
    ],
)
async def test_a_moment_that_cannot_be_is_refused_in_a_dry_run_too(
    client: Client, fields: dict[str, Any], said: str
) -> None:
    assert said in await refused(client, "create-job", **JOB | fields, dry_run=True)
    assert said in await refused(client, "create-job", **JOB | fields)


async def test_what_a_cron_shall_not_keep_is_given_and_shown(client: Client) -> None:
    made = await call(client, "create-cron", **CRON, redact=["body.**.pin"])
    shown = await call(client, "get-cron", id=made["id"])
    changed = await call(client, "update-cron", id=made["id"], redact=["headers.X-Session"])

    assert (shown["redact"], changed["redact"]) == (["body.**.pin"], ["headers.X-Session"])
    assert "- redact.0: " in await refused(client, "create-cron", **CRON, redact=["pin"])


@pytest.mark.parametrize("wanted", [{}, {"dry_run": True}])
async def test_what_no_single_field_shows_is_refused_of_several_before_any_is_made(
    client: Client, wanted: dict[str, Any]
) -> None:
    past = CRON | {"ends_at": "2020-01-01T00:00:00Z"}

    said = await refused(client, "create-crons", crons=[CRON, past], **wanted)

    assert "- crons.1.ends_at: The ends_at field must leave the cron a time to fire" in said
    assert (await call(client, "list-crons"))["total"] == 0
