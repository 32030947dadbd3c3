"""Of what an agent writes the audit trail says why, and which program it was."""

from typing import Any

import httpx
import pytest
from mcp import Client
from redis.asyncio import Redis

from services.mcp.server import INSTRUCTIONS
from services.mcp.tools import TOOLS
from shared.actions import audit
from shared.schemas.accounts.audit import AuditQuery
from shared.store.keyspace import Team
from shared.store.writes import REASON_CHARACTERS
from tests import dead
from tests.mcp.clients import CRON, Gateway, found, over_http, text
from tests.writes import TOOL_WRITES, ToolWrite

MADE = (("create-cron", CRON),)


async def last(redis: Redis, team: Team) -> Any:
    return (await audit.page(redis, team, AuditQuery())).data[0]


WRITES = (
    *TOOL_WRITES,
    ToolWrite("update-crons", "", {"ids": [1], "changes": {"timezone": "Europe/Berlin"}}, MADE),
    ToolWrite("delete-many", "", {"ids": [1], "what": "crons"}, MADE),
)


def test_all_that_write_are_tried() -> None:
    assert {write.tool for write in WRITES} == {row.name for row in TOOLS.values() if row.scope != "read"}


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_every_tool_that_writes_takes_a_reason_and_keeps_it(
    client: Client, redis: Redis, team: Team, write: ToolWrite
) -> None:
    await dead.dead_letters(redis, team, 1)
    for tool, arguments in write.before:
        found(await client.call_tool(tool, arguments))

    result = await client.call_tool(write.tool, {**write.arguments, "reason": "see ticket 812"})

    assert not result.is_error, text(result)
    line = await last(redis, team)
    assert (line.operation, line.reason) == (write.tool, "see ticket 812")


async def test_every_tool_that_writes_lists_it_and_no_other(client: Client) -> None:
    listed = {tool.name: tool.input_schema["properties"] for tool in (await client.list_tools()).tools}

    assert {name: fields.get("reason") for name, fields in listed.items()} == {
        name: None if row.scope == "read" else {"type": "string"} for name, row in TOOLS.items()
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, ""), ("  ", ""), (" too slow ", "too slow"), ("a\u202eb\u200bc\x1b", "abc")],
)
async def test_a_reason_is_kept_as_it_can_be_seen(
    client: Client, redis: Redis, team: Team, given: str | None, kept: str
) -> None:
    found(await client.call_tool("create-cron", {**CRON, "reason": given}))

    assert (await last(redis, team)).reason == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (7, "- reason: The reason field must be text: a sentence that says why."),
        ({"why": "so"}, "- reason: The reason field must be text: a sentence that says why."),
        ("x" * 501, f"- reason: The reason field must hold {REASON_CHARACTERS} characters at most."),
    ],
)
async def test_what_is_no_reason_is_refused_and_nothing_is_done(
    client: Client, given: object, said: str
) -> None:
    result = await client.call_tool("create-cron", {**CRON, "reason": given})

    assert result.is_error
    assert said in text(result)
    assert found(await client.call_tool("list-crons", {}))["total"] == 0


async def test_a_tool_that_reads_takes_none(client: Client) -> None:
    result = await client.call_tool("list-crons", {"reason": "curious"})

    assert (result.meta or {})["recuro/error"]["code"] == "invalid_arguments"


async def test_a_repeat_with_another_reason_is_the_same_call(client: Client) -> None:
    asked = {**CRON, "idempotency_key": "k"}
    first = await client.call_tool("create-cron", {**asked, "reason": "first"})

    again = await client.call_tool("create-cron", {**asked, "reason": "second"})

    assert found(again) == found(first)
    assert (again.meta or {})["recuro/replayed"] is True


def test_the_instructions_say_what_a_reason_is() -> None:
    assert "`reason` of a tool that writes says why" in INSTRUCTIONS


async def test_over_http_the_program_is_named_as_it_names_itself_in_the_protocol(
    gateway: Gateway, redis: Redis, token: str, team: Team, era: str
) -> None:
    async with over_http(gateway.url, token, era) as client:
        found(await client.call_tool("create-cron", CRON))

    assert (await last(redis, team)).client == "mcp 0.1.0"


HANDSHAKE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "My\u202e Host", "version": "9"},
}


async def post(gateway: Gateway, token: str, method: str, params: Any, **headers: str) -> httpx.Response:
    sent = {"Authorization": f"Bearer {token}", "User-Agent": "plain/1", "Accept": "application/json"}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    async with httpx.AsyncClient(timeout=30) as http:
        return await http.post(gateway.url, json=body, headers={**sent, **headers})


@pytest.mark.parametrize(
    ("session", "client"),
    [(None, "My Host 9"), ("", "plain/1"), ("bm9uc2Vuc2U", "plain/1"), ("W10", "plain/1"), ("%", "plain/1")],
)
async def test_the_name_of_the_handshake_comes_back_as_the_id_of_the_session(
    gateway: Gateway, redis: Redis, token: str, team: Team, session: str | None, client: str
) -> None:
    given = (await post(gateway, token, "initialize", HANDSHAKE)).headers["mcp-session-id"]
    sent = {"Mcp-Session-Id": given if session is None else session, "MCP-Protocol-Version": "2025-11-25"}

    made = await post(gateway, token, "tools/call", {"name": "create-cron", "arguments": CRON}, **sent)

    assert made.status_code == 200
    assert (await last(redis, team)).client == client


async def test_a_handshake_that_is_refused_gets_no_session(gateway: Gateway, token: str) -> None:
    answer = await post(gateway, token, "initialize", {**HANDSHAKE, "clientInfo": {"name": 7}})

    assert "mcp-session-id" not in answer.headers
