"""How a process of the API is asked by the browser of somebody who is signed in, and what Redis had to read for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from redis.asyncio import Redis

from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from tests.bench.api.measured import Api


async def signed_in(redis: Redis, api: Api) -> tuple[str, str]:
    """The cookie of a new session of the one who owns the team."""
    code = await links.make(redis, Purpose.SIGN_IN, 1)
    address = str(api.client.base_url).rstrip("/")
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        answer = await client.post(links.address_of("", Purpose.SIGN_IN, code), headers={"Origin": address})
    return next(iter(answer.cookies.items()))


@asynccontextmanager
async def as_owner(redis: Redis, api: Api) -> AsyncIterator[Api]:
    """The same process, asked with such a cookie."""
    name, value = await signed_in(redis, api)
    cookie = {"Cookie": f"{name}={value}; recuro-zone=Europe/Berlin"}
    async with httpx.AsyncClient(base_url=api.client.base_url, headers=cookie, timeout=60) as client:
        yield api._replace(client=client)


async def reads_of(redis: Redis) -> int:
    """How often Redis read from a connection: a command, or several that were sent together."""
    return int((await redis.info("stats"))["total_reads_processed"])
