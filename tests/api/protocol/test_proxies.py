"""Behind a proxy that RECURO_TRUSTED_PROXIES names, each visitor is one of its own; nobody else is believed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import count

import httpx
import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from shared.security.brake import BURST
from shared.security.tokens import digest_of
from shared.settings import Settings
from shared.store import account_keys
from tests.api.serving import serving
from tests.pages.browser import PASSWORD, make_user
from tests.poll import until

PROXY, STRANGER = "127.0.0.2", "127.0.0.3"
EMAIL = "ada@example.com"
MANY = 2 * BURST
"""Guesses that are sent at once: to let all of them pass, a brake would have to wait for 40 seconds."""


@pytest.fixture
def behind(server: EmbeddedServer) -> Iterator[str]:
    """The address of an API that believes one proxy; its brakes have seen nobody yet."""
    with serving(Settings(redis_url=server.url, api_port=0, trusted_proxies=(PROXY,))) as address:
        yield address


@pytest.fixture
async def proxy(behind: str, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    async with _client_at(behind, PROXY) as client:
        yield client


@pytest.fixture
async def spoofer(behind: str, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    """A caller that is no proxy, and writes the headers of one."""
    async with _client_at(behind, STRANGER) as client:
        yield client


def _client_at(address: str, source: str) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(local_address=source, verify=False)
    return httpx.AsyncClient(base_url=address, timeout=30, transport=transport)


_guesses = count()


async def _guess(client: httpx.AsyncClient, forwarded: str) -> int:
    headers = {"Authorization": f"Bearer wrong{next(_guesses)}", "X-Forwarded-For": forwarded}
    return (await client.get("/api/queues", headers=headers)).status_code


async def test_who_guesses_tokens_behind_a_proxy_brakes_nobody_else(proxy: httpx.AsyncClient) -> None:
    guesses = Counter(await asyncio.gather(*(_guess(proxy, "192.0.2.1") for _ in range(MANY))))
    of_others = await _guess(proxy, "192.0.2.2")
    more = await asyncio.gather(*(_guess(proxy, "192.0.2.2, 192.0.2.1") for _ in range(BURST)))

    assert guesses.keys() == {401, 429}
    assert guesses[401] >= BURST
    assert of_others == 401
    assert 429 in more


async def test_a_header_of_a_stranger_changes_nothing(spoofer: httpx.AsyncClient) -> None:
    guesses = await asyncio.gather(*(_guess(spoofer, f"192.0.2.{number}") for number in range(MANY)))

    assert 429 in guesses


async def test_who_guesses_passwords_behind_a_proxy_brakes_nobody_else(
    proxy: httpx.AsyncClient, spoofer: httpx.AsyncClient, redis: Redis
) -> None:
    await make_user(redis, EMAIL)

    async def sign_in(client: httpx.AsyncClient, forwarded: str, email: str, password: str = "no") -> int:
        headers = {
            "X-Forwarded-For": forwarded,
            "X-Forwarded-Proto": "https",
            "Origin": str(client.base_url).rstrip("/"),
        }
        sent = await client.post("/sign-in", data={"email": email, "password": password}, headers=headers)
        return sent.status_code

    emails = [f"{number}@example.com" for number in range(MANY)]
    wrong = Counter(await asyncio.gather(*(sign_in(proxy, "192.0.2.1", email) for email in emails)))
    spoofing = (sign_in(spoofer, f"192.0.2.{number}", email) for number, email in enumerate(emails))
    spoofed = Counter(await asyncio.gather(*spoofing))

    assert wrong.keys() == spoofed.keys() == {401, 429}
    assert min(wrong[401], spoofed[401]) >= BURST
    assert await sign_in(proxy, "192.0.2.2", EMAIL, PASSWORD) == 303


@pytest.mark.parametrize("source", [PROXY, STRANGER])
async def test_sessions_and_tokens_have_the_address_of_who_came(
    behind: str, redis: Redis, token: str, source: str
) -> None:
    user = await make_user(redis, EMAIL)
    code = await links.make(redis, Purpose.SIGN_IN, user)
    headers = {"X-Forwarded-For": "192.0.2.9:4711", "X-Forwarded-Proto": "https"}
    expected = "192.0.2.9" if source == PROXY else STRANGER

    async with _client_at(behind, source) as client:
        await client.get("/api/queues", headers={**headers, "Authorization": f"Bearer {token}"})
        entered = await client.post(
            links.address_of("", Purpose.SIGN_IN, code), headers={**headers, "Origin": behind}
        )

    session = (await redis.zrange(account_keys.sessions(user), 0, -1))[0]
    assert await redis.hget(account_keys.session(session), "address") == expected  # type: ignore[misc]
    assert ("__Host-recuro" in entered.headers["set-cookie"]) is (source == PROXY)
    await until(lambda: _is_noted(redis, token, expected))


async def _is_noted(redis: Redis, token: str, address: str) -> bool:
    return bool(await redis.hget(account_keys.use(digest_of(token)), "used_from") == address)  # type: ignore[misc]
