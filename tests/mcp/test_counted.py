"""What the gateway refuses leaves no line in the audit trail, and is counted by its reason."""

import asyncio

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.security import tokens
from shared.security.brake import BURST
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.installation import free_port
from tests.mcp.clients import CRON, Gateway, over_http

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


async def counted(port: int) -> dict[str, float]:
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        sample.labels["reason"]: sample.value
        for sample in samples
        if sample.name == "recuro_calls_refused_total"
    }


@pytest.mark.usefixtures("token")
async def test_each_refusal_is_counted_and_leaves_no_line(server: EmbeddedServer, redis: Redis) -> None:
    port = free_port()
    gateway = Gateway(server.url, RECURO_METRICS_PORT=str(port))
    await gateway.start()
    try:
        reader = await tokens.create(redis, team="one", name="reader", scopes=("read",))

        async with over_http(gateway.url, reader) as client:
            refused = await client.call_tool("create-cron", CRON)
            await client.call_tool("get-cron", {"id": 9})
        async with httpx.AsyncClient(trust_env=False, timeout=30) as guesser:
            wrong = [{"Authorization": f"Bearer wrong{number}"} for number in range(2 * BURST)]
            guesses = [guesser.post(gateway.url, json=LIST, headers=headers) for headers in wrong]
            statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
        found = await counted(port)
    finally:
        gateway.stop()

    assert refused.is_error
    assert found["scope"] == 1
    assert set(statuses) == {401, 429}
    assert (found["unauthenticated"], found["guesses"]) == (statuses.count(401), statuses.count(429))
    assert not any([await redis.xlen(stream) for stream in keyspace.audit_trails(Team(1))])
