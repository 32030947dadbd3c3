"""An agent that loses the answer to a call does what the error says, and it is done once."""

from collections.abc import AsyncIterator, Iterator

import pytest
from mcp import Client
from mcp_types import CallToolRequestParams, CallToolResult
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from services.mcp.server import answer
from services.mcp.tools import TOOLS
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.settings import Settings
from shared.store import connection
from tests import hostile, lost
from tests.conftest import LOOPBACK, VAULT
from tests.faults.parts.proxy import Proxy
from tests.mcp.clients import ADMIN, CRON, JOB, found, over_stdio, text
from tests.writes import IN_STEPS, TOOL_WRITES, ToolWrite

ADMISSION = Admission(Policy(LOOPBACK), VAULT)


@pytest.fixture(scope="module")
def way(server: EmbeddedServer) -> Iterator[Proxy]:
    with lost.way_to(server) as proxy:
        yield proxy


@pytest.fixture
async def cut(way: Proxy, redis: Redis) -> AsyncIterator[Redis]:
    """The store of a gateway whose way to it may be cut."""
    await lost.teach(redis)
    async with connection.connect(Settings(redis_url=way.url)) as client:
        await client.ping()
        yield client


async def call(cut: Redis, tool: str, **arguments: object) -> CallToolResult:
    return await answer(cut, ADMISSION, ADMIN, CallToolRequestParams(name=tool, arguments=arguments))


async def ready(cut: Redis, write: ToolWrite) -> None:
    for tool, arguments in write.before:
        found(await call(cut, tool, **arguments))


def code(result: CallToolResult) -> str:
    assert result.is_error
    assert result.meta
    told: str = result.meta["recuro/error"]["code"]
    return told


def test_every_tool_that_writes_is_among_those_that_are_tried() -> None:
    tried = {*(write.tool for write in TOOL_WRITES), *IN_STEPS}

    assert tried == {row.name for row in TOOLS.values() if row.scope != "read"}


def test_every_tool_that_writes_takes_a_key_and_says_where_to_look() -> None:
    for row in TOOLS.values():
        writes = row.scope != "read"
        assert ("idempotency_key" in row.model.model_fields) == writes
        assert (row.look in TOOLS and TOOLS[row.look].scope == "read") == writes


@pytest.mark.parametrize("write", TOOL_WRITES, ids=str)
async def test_a_call_whose_answer_was_lost_is_done_once_by_who_repeats_it_under_its_key(
    cut: Redis, way: Proxy, redis: Redis, write: ToolWrite
) -> None:
    await ready(cut, write)
    before = await lost.everything(redis)

    way.cut_after(lost.on_the_wire(write.script))
    unheard = await call(cut, write.tool, **write.arguments, idempotency_key="order-7")
    done = await lost.everything(redis)
    again = await call(cut, write.tool, **write.arguments, idempotency_key="order-7")

    assert code(unheard) == "outcome_unknown"
    assert "same idempotency_key" in text(unheard)
    assert "again in a moment" not in text(unheard)
    assert done != before
    found(again)
    assert again.meta == {"recuro/replayed": True}
    assert await lost.everything(redis) == done


@pytest.mark.parametrize("write", TOOL_WRITES, ids=str)
async def test_a_call_without_a_key_is_answered_with_the_tool_to_look_with(
    cut: Redis, way: Proxy, redis: Redis, write: ToolWrite
) -> None:
    await ready(cut, write)

    way.cut_after(lost.on_the_wire(write.script))
    unheard = await call(cut, write.tool, **write.arguments)

    assert code(unheard) == "outcome_unknown"
    assert f"Look with {TOOLS[write.tool].look} before you call it again" in text(unheard)


@pytest.mark.parametrize("write", TOOL_WRITES, ids=str)
async def test_a_call_that_never_got_to_the_storage_was_not_done(
    cut: Redis, way: Proxy, redis: Redis, write: ToolWrite
) -> None:
    await ready(cut, write)
    before = await lost.everything(redis)

    with way.shut():
        await call(cut, "list-crons")  # the connection that was kept is found broken
        refused = await call(cut, write.tool, **write.arguments, idempotency_key="order-7")

    assert (code(refused), "nothing was done" in text(refused)) == ("unavailable", True)
    assert await lost.everything(redis) == before
    assert not (await call(cut, write.tool, **write.arguments, idempotency_key="order-7")).is_error


@pytest.mark.parametrize("write", TOOL_WRITES, ids=str)
async def test_a_repeat_is_answered_as_the_first_was(cut: Redis, write: ToolWrite) -> None:
    await ready(cut, write)

    first = await call(cut, write.tool, **write.arguments, idempotency_key="order-7")
    again = await call(cut, write.tool, **write.arguments, idempotency_key="order-7")
    other = await call(cut, "create-job", **JOB, delay=7, idempotency_key="order-7")

    assert found(again) == found(first)
    assert (first.meta, again.meta) == (None, {"recuro/replayed": True})
    assert code(other) == "conflict"


async def test_a_storage_that_hangs_leaves_the_outcome_unknown(cut: Redis, way: Proxy) -> None:
    with way.black_hole():
        unheard = await call(cut, "create-job", **JOB, idempotency_key="order-7")

    again = await call(cut, "create-job", **JOB, idempotency_key="order-7")

    assert code(unheard) == "outcome_unknown"
    assert found(again)["id"] == found(await call(cut, "list-jobs"))["total"] == 1


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "grün", ["a"]])
async def test_what_is_no_key_is_refused(client: Client, redis: Redis, key: object) -> None:
    result = await client.call_tool("create-cron", {**CRON, "idempotency_key": key})

    assert "idempotency_key" in text(result)
    assert await redis.keys("*:c:*") == []


async def test_a_key_is_none_of_what_is_stored(client: Client, redis: Redis) -> None:
    for tool, asked in (("create-job", JOB), ("create-cron", CRON)):
        found(await client.call_tool(tool, {**asked, "idempotency_key": "order-7" + tool}))

    assert "order-7" not in str(await lost.everything(redis))


async def test_a_gateway_that_goes_away_in_the_middle_leaves_the_outcome_unknown(token: str) -> None:
    """Between the bridge of an agent and the gateway."""
    async with (
        hostile.serving(hostile.saying()) as address,
        over_stdio(RECURO_MCP_URL=f"http://{address}/mcp", RECURO_API_TOKEN=token) as client,
    ):
        result = await client.call_tool("create-job", JOB)

    assert result.is_error
    assert "Outcome unknown" in text(result)
    assert "idempotency_key" in text(result)
