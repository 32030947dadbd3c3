"""Heartbeats over MCP: made, shown and changed as over REST, but for their key, which no tool shows."""

from typing import Any

import pytest
from mcp import Client
from redis.asyncio import Redis

from shared.actions import crons
from shared.store.keyspace import Team
from tests.mcp.clients import CRON
from tests.mcp.test_more_tools import refused
from tests.mcp.test_tools import call

HEARTBEAT = {"name": "backup", "mode": "heartbeat", "cron_expression": "0 3 * * *"}


async def test_a_heartbeat_is_made_waits_for_pings_and_shows_no_key(
    client: Client, redis: Redis, team: Team
) -> None:
    seen = await call(client, "create-cron", **HEARTBEAT, dry_run=True)
    made = await call(client, "create-cron", **HEARTBEAT, url="", grace_seconds=60)
    shown = await call(client, "get-cron", id=made["id"])
    changed = await call(client, "update-cron", id=made["id"], grace_seconds=90)
    (row,) = (await call(client, "list-crons"))["data"]
    stored = await crons.get(redis, team, made["id"])

    assert (seen["id"], seen["mode"], made["mode"], made["url"]) == (None, "heartbeat", "heartbeat", "")
    assert (shown["mode"], row["mode"], stored.mode) == ("heartbeat",) * 3
    assert (shown["grace_seconds"], shown["alert_threshold"]) == (60, 1)
    assert (changed["grace_seconds"], stored.grace_seconds) == (90, 90)
    assert "within 300 s of each fire" in seen["warnings"][0]
    assert (
        f"within 60 s of each fire. No tool shows that key: GET /api/crons/{made['id']} shows it"
        in (made["warnings"][0])
    )
    assert stored.ping_key
    assert stored.ping_key not in str([made, shown, changed, row])
    assert not {"grace_seconds", "last_ping_at"} & {*await call(client, "get-cron", id=await _plain(client))}


async def _plain(client: Client) -> int:
    found: int = (await call(client, "create-cron", **CRON))["id"]
    return found


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (HEARTBEAT | {"url": CRON["url"]}, "- url: The url field does not go with mode heartbeat"),
        (CRON | {"url": ""}, "- url: The url field is required."),
        (HEARTBEAT | {"mode": "request"}, "- url: The url field is required."),
        (HEARTBEAT | {"mode": "beat"}, "- mode: "),
        (HEARTBEAT | {"grace_seconds": 0}, "- grace_seconds: "),
    ],
)
async def test_what_is_neither_a_request_nor_a_heartbeat_is_refused(
    client: Client, asked: dict[str, Any], said: str
) -> None:
    assert said in await refused(client, "create-cron", **asked)
    field = said.split(":")[0].removeprefix("- ")
    assert f"- crons.1.{field}: " in await refused(client, "create-crons", crons=[CRON, asked])
    assert (await call(client, "list-crons"))["total"] == 0


async def test_heartbeats_are_made_among_other_crons(client: Client) -> None:
    first, second = (await call(client, "create-crons", crons=[CRON, HEARTBEAT]))["crons"]

    assert ("mode" in first, second["mode"], second["url"]) == (False, "heartbeat", "")
    assert second["warnings"][0].startswith("It fails unless your side calls /ping/<ping_key> within 300 s")
    assert (await call(client, "get-cron", id=second["id"]))["alert_threshold"] == 1
