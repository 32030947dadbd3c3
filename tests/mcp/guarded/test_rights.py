"""What a token may not use is not listed for it, and is refused all the same; one address is for reading only."""

from typing import Any

import httpx
import pytest
from mcp import Client
from redis.asyncio import Redis

from services.mcp import rights
from services.mcp.listing import LISTING
from services.mcp.rights import DELETING
from services.mcp.tools import TOOLS
from shared.schemas.accounts.tokens import TokenLimits
from shared.security import limits, tokens
from shared.security.caller import Caller
from shared.store import account_keys
from shared.store.keyspace import Team
from tests.mcp.clients import CRON, Dial, Gateway, found, over_http, text
from tests.mcp.test_refusals import VALID
from tests.poll import until

READING = [name for name, row in TOOLS.items() if row.scope == "read"]
ACCEPT = {"Accept": "application/json", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}


def caller(*scopes: str, **given: Any) -> Caller:
    return Caller(Team(1), frozenset(scopes), limits=limits.of(TokenLimits.model_validate(given)))


async def names(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


@pytest.mark.parametrize("scope", ["read", "write", "admin"])
async def test_tools_that_the_scope_does_not_cover_are_not_listed(dial: Dial, scope: str) -> None:
    order = ("read", "write", "admin")
    async with dial(caller(scope)) as client:
        listed = await names(client)

    assert listed == [name for name, row in TOOLS.items() if order.index(row.scope) <= order.index(scope)]


async def test_a_token_that_may_not_delete_is_shown_no_tool_that_does(dial: Dial) -> None:
    async with dial(caller("admin", may_delete=False)) as client:
        listed = await names(client)

    assert listed == [name for name in TOOLS if name not in DELETING]


@pytest.mark.parametrize("tool", TOOLS)
async def test_of_what_is_listed_nothing_is_refused_for_deleting_and_all_else_is(
    dial: Dial, tool: str
) -> None:
    async with dial() as admin, dial(caller("admin", may_delete=False)) as agent:
        await admin.call_tool("create-cron", CRON)
        await admin.call_tool("create-job", {"queue": "webhooks", "url": "https://api.example.com/"})

        refused = "may not delete" in text(await agent.call_tool(tool, VALID[tool]))

        assert refused == (tool not in await names(agent))


async def test_other_limits_leave_every_tool_in_the_list(dial: Dial) -> None:
    given = {"hosts": ["a.example"], "queues": ["mail"], "min_interval_seconds": 60}
    async with dial(caller("admin", **given)) as client:
        assert await names(client) == list(TOOLS)


async def test_a_tool_is_refused_before_its_arguments_are_looked_at(dial: Dial) -> None:
    async with dial(caller("read")) as client:
        result = await client.call_tool("create-cron", {"nonsense": True})

    assert (result.meta or {})["recuro/error"] == {"code": "forbidden"}


async def test_while_nobody_knows_the_token_all_are_listed_and_not_kept() -> None:
    shown = rights.listed(None)

    assert [tool.name for tool in shown.tools] == list(TOOLS)
    assert (shown.ttl_ms, shown.cache_scope) == (0, "private")


async def listed_by(gateway: Gateway, token: str, path: str = "/mcp") -> dict[str, Any]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    async with httpx.AsyncClient(headers={**ACCEPT, "Authorization": f"Bearer {token}"}) as http:
        result: dict[str, Any] = (await http.post(gateway.origin + path, json=body)).json()["result"]
    return result


async def test_the_list_of_a_token_is_not_shared_with_others(
    gateway: Gateway, redis: Redis, token: str
) -> None:
    reader = await tokens.create(redis, team="one", name="reader", scopes=("read",))

    own, less = await listed_by(gateway, token), await listed_by(gateway, reader)

    assert {own["cacheScope"], less["cacheScope"]} == {"private"}
    assert own["ttlMs"] == rights.FRESH_MS
    assert [tool["name"] for tool in less["tools"]] == READING


@pytest.mark.parametrize("path", ["/mcp/readonly", "/mcp/readonly/"])
async def test_by_the_address_for_reading_an_admin_reads_and_writes_nothing(
    gateway: Gateway, redis: Redis, era: str, path: str
) -> None:
    admin = await tokens.create(redis, team="one", name="admin", scopes=("admin",))
    async with over_http(gateway.url, admin) as client:
        await client.call_tool("create-cron", CRON)

    async with over_http(gateway.origin + path, admin, era) as client:
        listed = await names(client)
        refusals = {
            name: text(await client.call_tool(name, VALID[name])) for name in TOOLS if name not in READING
        }
        cron = found(await client.call_tool("get-cron", {"id": 1}))
        status = found(await client.call_tool("get-status", {}))

    assert listed == READING
    assert refusals == {
        name: f"/mcp/readonly is for reading only, and {name} writes. Connect to /mcp, with a token that may "
        "write, to change something."
        for name in refusals
    }
    assert cron["is_active"] is True
    assert status["token"]["may"] == ["read"]

    async def is_noted() -> bool:
        noted = await redis.hget(account_keys.use(tokens.digest_of(admin)), "refused:readonly")  # type: ignore[misc]
        return bool(noted == str(len(refusals)))

    await until(is_noted)


def test_no_argument_is_sent_as_a_header_which_the_server_would_have_to_compare() -> None:
    assert "x-mcp-header" not in str([tool.input_schema for tool in LISTING.values()])


async def test_the_address_for_reading_needs_a_token_too(gateway: Gateway) -> None:
    async with httpx.AsyncClient(headers=ACCEPT) as http:
        answer = await http.post(f"{gateway.origin}/mcp/readonly", json={})

    assert answer.status_code == 401
