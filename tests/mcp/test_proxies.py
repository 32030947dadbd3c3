"""The gateway behind a proxy that RECURO_TRUSTED_PROXIES names."""

from collections.abc import AsyncIterator
from itertools import count

import httpx
import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.security.brake import BURST
from shared.security.tokens import digest_of
from shared.store import account_keys
from tests.mcp.clients import Gateway
from tests.poll import until

PROXY, STRANGER = "127.0.0.2", "127.0.0.3"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}

_guesses = count()


@pytest.fixture(scope="module")
async def behind(server: EmbeddedServer) -> AsyncIterator[Gateway]:
    gateway = Gateway(server.url, RECURO_TRUSTED_PROXIES=PROXY)
    await gateway.start()
    yield gateway
    gateway.stop()


async def _send(gateway: Gateway, source: str, token: str, forwarded: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": forwarded}
    transport = httpx.AsyncHTTPTransport(local_address=source, verify=False)
    async with httpx.AsyncClient(transport=transport, timeout=30) as client:
        return (await client.post(gateway.url, json=LIST, headers=headers)).status_code


async def test_who_guesses_behind_a_proxy_brakes_nobody_else_and_a_spoofer_itself(
    behind: Gateway, redis: Redis
) -> None:
    async def guess(source: str, forwarded: str) -> int:
        return await _send(behind, source, f"wrong{next(_guesses)}", forwarded)

    guesses = [await guess(PROXY, "192.0.2.1") for _ in range(BURST + 2)]
    spoofed = [await guess(STRANGER, f"192.0.2.{number}") for number in range(BURST + 2)]

    assert (guesses[0], guesses[-1]) == (401, 429)
    assert (spoofed[0], spoofed[-1]) == (401, 429)
    assert await guess(PROXY, "192.0.2.2") == 401


@pytest.mark.parametrize(("source", "noted"), [(PROXY, "192.0.2.9"), (STRANGER, STRANGER)])
async def test_a_token_has_the_address_of_who_used_it(
    behind: Gateway, redis: Redis, token: str, source: str, noted: str
) -> None:
    assert await _send(behind, source, token, "203.0.113.1, 192.0.2.9") == 200

    async def is_noted() -> bool:
        return bool(await redis.hget(account_keys.use(digest_of(token)), "used_from") == noted)  # type: ignore[misc]

    await until(is_noted)
