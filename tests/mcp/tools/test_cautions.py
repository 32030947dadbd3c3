"""What tools warn of beside REST: what is true of the call, and nothing where nothing is wrong."""

from typing import Any

import pytest
from mcp import Client
from redis.asyncio import Redis

from services.mcp.tools import cautions
from shared.settings import Settings
from shared.store import connection, paging
from shared.store.keyspace import Team
from tests import dead
from tests.calls import call_of
from tests.mcp.clients import JOB, found
from tests.mcp.test_more_tools import refused, some_crons
from tests.mcp.test_tools import call, finish_next

EMAIL = {"channel": "email", "to": ["ops@example.com"]}


async def test_a_run_beside_a_paused_schedule_and_one_just_made_are_told(client: Client) -> None:
    quiet, cron = await some_crons(client, "quiet", "twice")
    first = await call(client, "run-cron", id=cron)
    other = await call(client, "run-cron", id=quiet)
    again = await call(client, "run-cron", id=cron)
    await call(client, "update-cron", id=quiet, is_active=False)
    paused = await call(client, "run-cron", id=quiet)

    assert "warnings" not in first
    assert "warnings" not in other
    assert again["warnings"][0].startswith(
        f"Execution {first['id']} of this cron was made 0 s before: if this"
    )
    assert (
        paused["warnings"][0] == "The cron is paused: this run is made, but no fire until is_active is true."
    )
    assert paused["warnings"][1].startswith(f"Execution {other['id']} of this cron")


async def test_neither_a_repeat_under_its_key_nor_a_fire_nor_an_old_run_is_a_run_like_it(
    client: Client, redis: Redis, team: Team
) -> None:
    (cron,) = await some_crons(client, "once")
    keyed = {"id": cron, "idempotency_key": "once"}
    first = await call(client, "run-cron", **keyed)
    repeated = found(await client.call_tool("run-cron", keyed))
    record = f"{team.prefix}e:{team.id}:{first['id']}"
    due, created = await redis.hmget(record, ["due", "created"])  # type: ignore[misc]
    await redis.hset(record, "due", str(int(float(due)) // 1000 * 1000))  # type: ignore[misc]
    of_a_fire = await call(client, "run-cron", id=cron)
    await redis.hset(record, mapping={"due": due, "created": int(float(created)) - 61_000})  # type: ignore[misc]
    await redis.delete(f"{team.prefix}e:{team.id}:{of_a_fire['id']}")
    of_an_old_one = await call(client, "run-cron", id=cron)

    assert not {"warnings"} & {*first, *repeated, *of_a_fire, *of_an_old_one}


async def test_a_queue_is_told_when_nothing_is_tried_again_or_days_are_waited(client: Client) -> None:
    for number in range(3):
        await call(client, "create-job", **JOB | {"url": f"https://api.example.com/{number}"})
    ask = {"queue": "webhooks"}

    few = await call(client, "update-queue", **ask, rate_limit={"count": 1, "per_seconds": 86_400})
    enough = await call(client, "update-queue", **ask, rate_limit={"count": 3, "per_seconds": 86_400})
    never = await call(client, "update-queue", **ask, retry_delays=[])
    unasked = await call(client, "update-queue", **ask, timeout_seconds=9)

    assert few["warnings"] == ["1 in 86400 s are few: 3 jobs wait, which takes 2.0 days at least."]
    assert never["warnings"][0].startswith("retry_delays is empty: a job without retry_delays of its own")
    assert not {"warnings"} & {*enough, *unasked}


async def test_a_change_of_many_tells_what_surprises_and_that_nothing_changed(client: Client) -> None:
    ids = await some_crons(client, "one", "two")
    at_night = {"cron_expression": "0 0 31 * *"}

    none = await call(client, "update-crons", q="name:nobody", changes={"is_active": False}, dry_run=True)
    odd = await call(client, "update-crons", ids=ids, changes=at_night)
    same = await call(client, "update-crons", ids=ids, changes=at_night)
    plain = await call(client, "update-crons", ids=ids, changes={"cron_expression": "0 3 * * *"})

    assert none["warnings"] == [
        "No cron is meant: nothing was done. Look with list-crons for what they are called."
    ]
    assert odd["warnings"] == ["Not every month has a day 31; L is the last day of each."]
    assert same["warnings"][0] == "All 2 were so already: nothing was changed."
    assert "warnings" not in plain


async def test_a_deletion_of_crons_tells_what_goes_with_them(client: Client, redis: Redis) -> None:
    first, second = await some_crons(client, "test-1", "test-2")
    await call(client, "update-cron", id=second, is_active=False)
    look = {"what": "crons", "q": "name:test", "dry_run": True}
    before = await call(client, "delete-many", **look)
    await call(client, "run-cron", id=first)
    one = await call(client, "delete-many", **look)
    await call(client, "run-cron", id=second)
    await finish_next(redis)

    after = await call(client, "delete-many", **look)
    done = await call(client, "delete-many", **look | {"dry_run": False}, expected_count=2)
    none = await call(client, "delete-many", **look)

    assert before["warnings"] == ["1 of the 2 is still active."]
    assert one["warnings"][-1] == "1 execution goes with the 2 crons shown, and with it why it failed."
    assert after["warnings"] == [
        "1 of the 2 is still active.",
        "2 executions go with the 2 crons shown, and with them why they failed.",
    ]
    assert "warnings" not in done
    assert none["warnings"][0].startswith("No cron is meant")


async def test_a_deletion_of_jobs_tells_what_was_never_sent(client: Client, redis: Redis, team: Team) -> None:
    await call(client, "create-job", **JOB)
    await finish_next(redis)
    look = {"what": "jobs", "q": "queue:webhooks", "dry_run": True}
    sent = await call(client, "delete-many", **look)
    for number in range(24):
        await call(client, "create-job", **JOB | {"url": f"https://api.example.com/{number}"})

    waiting = await call(client, "delete-many", **look)

    assert "warnings" not in sent
    assert waiting["matched"] == 25
    assert waiting["warnings"] == ["20 of the first 20 are not sent yet, and never will be."]


@pytest.mark.parametrize(
    ("tool", "asked"),
    [
        ("delete-many", {"what": "crons", "q": "name:two"}),
        ("update-crons", {"q": "name:two", "changes": {"is_active": False}}),
    ],
)
async def test_a_count_of_a_part_says_so_and_nothing_is_done_by_it(
    client: Client, monkeypatch: pytest.MonkeyPatch, tool: str, asked: dict[str, Any]
) -> None:
    await some_crons(client, "one", "two", "three")
    whole = await call(client, tool, **asked, dry_run=True)
    monkeypatch.setattr(paging, "SEARCH_LIMIT", 2)
    monkeypatch.setattr(paging, "_CHUNK", 2)

    part = await call(client, tool, **asked, dry_run=True)
    said = await refused(client, tool, **asked, expected_count=part["matched"])

    assert (whole["looked_at"], part["matched"], part["looked_at"]) == (None, 1, 2)
    assert "no whole count" not in str(whole)
    assert part["warnings"][0].startswith("1 is no whole count: the search looked at the newest 2")
    assert "there are more than the newest 2, at which a search looks; give ids instead" in said
    assert (await call(client, "list-crons", filter="active"))["total"] == 3


async def test_a_status_leaves_jobs_of_another_uncounted(
    client: Client, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(client, "create-job", **JOB)
    await finish_next(redis)
    for number in range(3):
        await call(client, "create-job", **JOB | {"url": f"https://api.example.com/{number}"})
    monkeypatch.setattr(paging, "SEARCH_LIMIT", 2)
    monkeypatch.setattr(paging, "_CHUNK", 2)
    ask = {"what": "jobs", "queue": "webhooks", "q": "status:completed"}

    seen = await call(client, "delete-many", **ask, dry_run=True)
    done = await call(client, "delete-many", **ask, expected_count=1)
    none = await call(client, "delete-many", **ask | {"q": "status:completed status:pending"}, dry_run=True)

    assert (seen["matched"], seen["looked_at"], done["done"], none["matched"]) == (1, None, 1, 0)


async def test_a_channel_is_told_when_it_has_nothing_to_tell_or_nobody(client: Client) -> None:
    (cron,) = await some_crons(client, "unwatched")
    idle = await call(client, "set-alert-channel", **EMAIL)
    await call(client, "update-cron", id=cron, alert_threshold=2)
    used = await call(client, "set-alert-channel", **EMAIL)
    await call(client, "update-cron", id=cron, alert_threshold=None)
    await call(client, "create-job", **JOB)
    await call(client, "update-queue", queue="webhooks", alerts_enabled=True)
    of_a_queue = await call(client, "set-alert-channel", **EMAIL)
    off = await call(client, "set-alert-channel", channel="email", enabled=False)

    assert idle["warnings"][0].startswith("No cron has an alert_threshold and no queue alerts_enabled")
    assert not {"warnings"} & {*used, *of_a_queue}
    assert off["warnings"] == ["No alert channel is on now: nobody is told of a failure."]


async def test_of_more_crons_than_a_page_nobody_says_that_none_is_watched(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some_crons(client, "one", "two")
    monkeypatch.setattr(cautions, "PER_PAGE", 1)

    assert "warnings" not in await call(client, "set-alert-channel", **EMAIL)


async def test_a_replay_is_told_of_paused_queues_that_it_does_not_name(
    client: Client, redis: Redis, team: Team
) -> None:
    ids = await dead.dead_letters(redis, team, 3)
    before = await call(client, "replay-dead-letters", all=True, dry_run=True)
    await call(client, "create-job", **JOB)
    await call(client, "update-queue", queue="webhooks", is_active=False)
    other = await call(client, "replay-dead-letters", all=True, dry_run=True)
    await call(client, "update-queue", queue="mail", is_active=False)

    planned = await call(client, "replay-dead-letters", all=True, dry_run=True)
    done = await call(client, "replay-dead-letters", ids=ids[:1])
    begun = await call(client, "replay-dead-letters", all=True, expected_count=2)

    said = ['The queue "mail" is paused: what is sent again there waits until is_active is true.']
    assert planned["warnings"] == done["warnings"] == begun["warnings"] == said
    assert not {"warnings"} & {*before, *other}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"failure_reason": "dns_error"}, "Nothing would be sent again: none is meant."),
        ({"all": True, "stop_after_failures": 3}, "stop_after_failures is 3, more than would be sent"),
        ({"ids": [77]}, "Nothing would be sent again: skipped says why."),
    ],
)
async def test_a_plan_tells_that_it_does_nothing(
    client: Client, redis: Redis, team: Team, asked: dict[str, Any], said: str
) -> None:
    await dead.dead_letters(redis, team, 2)

    planned = await call(client, "replay-dead-letters", **asked, dry_run=True)

    assert planned["warnings"][0].startswith(said)
    assert "warnings" not in await call(
        client, "replay-dead-letters", all=True, stop_after_failures=2, dry_run=True
    )


async def test_advice_that_cannot_be_had_does_not_make_a_write_look_lost(team: Team) -> None:
    async with connection.connect(Settings(redis_url="redis://127.0.0.1:1")) as nowhere:
        assert await cautions.of_replay(call_of(nowhere, team), None) == ()
