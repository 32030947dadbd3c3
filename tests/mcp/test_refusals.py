"""What a tool answers if it does not do the call: text that says what to correct."""

from typing import Any

import pytest
import structlog
from mcp import Client
from redis.asyncio import Redis

from services.mcp.tools import TOOLS
from shared.actions import crons
from shared.security.caller import Caller
from shared.store.keyspace import Team
from tests.mcp.clients import CRON, JOB, Dial, found, text

VALID: dict[str, dict[str, Any]] = {
    "list-crons": {},
    "create-cron": CRON,
    "get-cron": {"id": 1},
    "update-cron": {"id": 1, "is_active": False},
    "delete-cron": {"id": 1},
    "list-jobs": {},
    "create-job": JOB,
    "get-job": {"id": 1},
    "delete-job": {"id": 1},
    "explain-cron": {"cron_expression": "0 9 * * 1"},
    "run-cron": {"id": 1},
    "list-executions": {},
    "create-crons": {"crons": [CRON]},
    "update-crons": {"ids": [1], "changes": {"is_active": False}},
    "delete-many": {"what": "crons", "ids": [1]},
    "list-queues": {},
    "update-queue": {"queue": JOB["queue"], "is_active": False},
    "replay-dead-letters": {"ids": [1]},
    "get-status": {},
    "set-alert-channel": {"channel": "email", "to": ["ops@example.com"]},
}
OF_THE_TEAM = (
    "explain-cron",
    "get-status",
    "set-alert-channel",
    "update-crons",
    "delete-many",
    "replay-dead-letters",
)
"""Tools that find nothing of another team, and say so in their own way."""
WRONG = [
    ("create-cron", {}, ["name", "url", "cron_expression"]),
    ("create-cron", CRON | {"method": "FETCH"}, ["method"]),
    ("create-cron", CRON | {"timeout_seconds": 301}, ["timeout_seconds"]),
    ("create-cron", CRON | {"alert_threshold": 4}, ["alert_threshold"]),
    ("create-cron", CRON | {"cron_expression": "61 * * * *"}, ["cron_expression"]),
    ("create-cron", CRON | {"payload": {"a": 1}}, ["payload"]),
    ("create-cron", CRON | {"headers": {"Host": "x"}}, ["headers"]),
    ("create-cron", CRON | {"colour": "red", "url": "ftp://x"}, ["url", "colour"]),
    ("update-cron", {"id": 1, "url": None}, ["url"]),
    ("update-cron", {"is_active": True}, ["id"]),
    ("create-job", JOB | {"delay": 86_401}, ["delay"]),
    ("create-job", JOB | {"payload": '["a"]'}, ["payload"]),
    ("create-job", JOB | {"payload": "{"}, ["payload"]),
    ("create-job", JOB | {"payload": "[" * 100_000}, ["payload"]),
    ("create-job", JOB | {"headers": {"X-A": ["b"]}}, ["headers.X-A"]),
    ("create-job", JOB | {"url": None, "queue": True}, ["url", "queue"]),
    ("create-job", JOB | {"queue": ""}, ["queue"]),
    ("create-job", JOB | {"callback_url": "no"}, ["callback_url"]),
    ("get-job", {"id": 0}, ["id"]),
    ("get-job", {"id": "first"}, ["id"]),
    ("delete-job", {"id": True}, ["id"]),
    ("delete-job", {"ids": [1]}, ["id", "ids"]),
    ("list-jobs", {"filter": "done"}, ["filter"]),
    ("list-jobs", {"per_page": 1000}, ["per_page"]),
    ("list-crons", {"page": 0, "filter": None}, ["page"]),
]


@pytest.mark.parametrize(("tool", "arguments", "fields"), WRONG, ids=lambda value: str(value)[:40])
async def test_wrong_arguments_are_named_by_field_and_nothing_is_done(
    client: Client, redis: Redis, tool: str, arguments: dict[str, Any], fields: list[str]
) -> None:
    result = await client.call_tool(tool, arguments)

    assert result.is_error
    first, *lines = text(result).splitlines()
    assert first == f"Invalid arguments for {tool}. Nothing was done; correct these and call again:"
    assert {line.split(":")[0] for line in lines} == {f"- {field}" for field in fields}
    assert await redis.keys("*:j:*") == await redis.keys("*:c:*") == []


async def test_a_missing_field_is_said_in_the_words_that_rest_uses(client: Client) -> None:
    result = await client.call_tool("create-job", {"queue": "webhooks"})

    assert text(result).splitlines()[1:] == ["- url: The url field is required."]
    assert result.structured_content is None
    assert result.meta is not None
    assert result.meta["recuro/error"] == {
        "code": "invalid_arguments",
        "errors": {"url": ["The url field is required."]},
    }


async def test_a_flood_of_wrong_fields_is_reported_in_short(client: Client) -> None:
    result = await client.call_tool("list-jobs", {f"field{n}": n for n in range(500)})

    assert len(text(result).splitlines()) == 22
    assert text(result).endswith("- and 480 more")


async def test_an_unknown_tool_is_answered_with_the_known_ones(client: Client) -> None:
    result = await client.call_tool("list-cron", {})

    assert result.is_error
    assert text(result) == f"Unknown tool 'list-cron'. Tools: {', '.join(VALID)}"


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_token_for_reading_reads_and_does_not_write(dial: Dial, tool: str) -> None:
    async with dial() as admin, dial(Caller(Team(1), frozenset({"read"}))) as reader:
        await admin.call_tool("create-cron", CRON)
        await admin.call_tool("create-job", JOB)

        result = await reader.call_tool(tool, VALID[tool])

        if TOOLS[tool].scope == "read":
            assert not result.is_error
        else:
            assert text(result).startswith(
                f"The token lacks the {TOOLS[tool].scope} scope. Use a token with the needed scope. "
            )
            assert found(await admin.call_tool("get-cron", {"id": 1}))["is_active"] is True


@pytest.mark.parametrize("tool", TOOLS)
async def test_another_teams_token_sees_and_touches_nothing(dial: Dial, tool: str) -> None:
    async with dial() as owner, dial(Caller(Team(2), frozenset({"admin"}))) as stranger:
        await owner.call_tool("create-cron", CRON)
        await owner.call_tool("create-job", JOB)

        result = await stranger.call_tool(tool, VALID[tool])

        if tool.startswith("list"):
            assert (found(result)["data"], found(result)["total"]) == ([], 0)
        elif tool.startswith("create") or tool in OF_THE_TEAM:
            assert not result.is_error
        elif tool == "update-queue":
            assert "names no queue of this team" in text(result)
        else:
            assert " not found. Use list-" in text(result)
        assert found(await owner.call_tool("get-cron", {"id": 1}))["is_active"] is True
        assert found(await owner.call_tool("get-job", {"id": 1}))["status"] == "pending"
        assert found(await owner.call_tool("list-jobs", {}))["total"] == 1
        assert found(await owner.call_tool("list-queues", {}))["data"][0]["is_active"] is True
        assert found(await owner.call_tool("get-status", {}))["alert_channels"] == []


@pytest.mark.parametrize("tool", TOOLS)
async def test_the_agent_reads_that_the_storage_is_away(dial: Dial, redis: Redis, tool: str) -> None:
    async with dial(None) as client:
        result = await client.call_tool(tool, VALID[tool])

    assert result.is_error
    assert text(result) == "Storage unavailable; nothing was done. Try again in a moment."


async def test_an_unexpected_error_is_logged_and_not_shown(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(crons, "get", broken)

    with structlog.testing.capture_logs() as logged:
        result = await client.call_tool("get-cron", {"id": 1})

    assert (result.is_error, text(result)) == (True, "Internal error")
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [
        ("tool_crashed", "error"),
        ("tool_called", "info"),
    ]
    assert logged[1]["outcome"] == "internal"


async def test_a_call_is_logged_without_what_it_carried(client: Client) -> None:
    with structlog.testing.capture_logs() as logged:
        await client.call_tool("create-job", JOB | {"headers": {"Authorization": "Bearer hush"}})

    (line,) = logged
    assert (line["event"], line["tool"], line["team"], line["outcome"]) == (
        "tool_called",
        "create-job",
        1,
        "ok",
    )
    assert line["request_id"] == "agent-7"
    assert "hush" not in str(line)


def test_every_tool_has_valid_arguments_here() -> None:
    assert list(VALID) == list(TOOLS)
