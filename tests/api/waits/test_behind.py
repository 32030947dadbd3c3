"""What a caller sends behind a request that waits hides neither the answers nor that it hung up."""

import asyncio
import json

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from tests.api.work.test_waiting import LONG, SOON, end, everybody_left, waiting
from tests.writes import JOB

__all__ = ["everybody_left"]

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LARGE = 100_000
"""More than is read of a body before somebody wants it, and less than the kernel keeps."""


def asking(token: str, path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: a", f"Authorization: Bearer {token}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


async def opened(api: str) -> Streams:
    return await asyncio.open_connection(*api.removeprefix("http://").split(":"))


async def answered(reader: asyncio.StreamReader) -> tuple[int, int]:
    """The status, and the id in the body."""
    async with asyncio.timeout(SOON):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length: ")[2].partition("\r")[0])
        return int(head[9:12]), json.loads(await reader.readexactly(size))["id"]


def behind(token: str) -> list[bytes]:
    """What may come behind a request that waits."""
    wait = f"/api/jobs/1?wait={LONG}"
    return [
        asking(token, wait) + asking(token, "/api/jobs/2"),
        asking(token, wait) + asking(token, "/api/jobs/2") * 10,
        asking(token, wait, f"Content-Length: {LARGE}") + b"x" * LARGE,
    ]


@pytest.mark.parametrize("which", range(3))
async def test_who_sent_more_and_hung_up_waits_no_more(
    client: AsyncClient, api: str, token: str, which: int
) -> None:
    await client.post("/api/jobs", json=JOB)
    _, writer = await opened(api)
    writer.write(behind(token)[which])
    await waiting(1)

    writer.close()

    await waiting(0)


@pytest.mark.parametrize("which", range(2))
async def test_who_sent_more_is_answered_in_order(
    client: AsyncClient, api: str, token: str, redis: Redis, which: int
) -> None:
    await client.post("/api/jobs/batch", json={"jobs": [JOB] * 2})
    reader, writer = await opened(api)
    asked = behind(token)[which]
    writer.write(asked)
    await waiting(1)

    await end(redis)

    answers = [await answered(reader) for _ in range(asked.count(b"GET "))]
    assert answers == [(200, 1), *[(200, 2)] * (len(answers) - 1)]
    writer.close()


async def test_a_body_of_a_request_that_waits_is_no_request(
    client: AsyncClient, api: str, token: str, redis: Redis
) -> None:
    await client.post("/api/jobs/batch", json={"jobs": [JOB] * 2})
    body = asking(token, "/api/jobs/2")
    reader, writer = await opened(api)
    writer.write(asking(token, f"/api/jobs/1?wait={LONG}", f"Content-Length: {len(body)}") + body)
    await waiting(1)

    await end(redis)
    first = await answered(reader)
    writer.write(asking(token, "/api/jobs/2"))

    assert [first, await answered(reader)] == [(200, 1), (200, 2)]
    writer.close()


async def test_a_body_that_ends_after_the_answer_is_no_request(
    client: AsyncClient, api: str, token: str, redis: Redis
) -> None:
    await client.post("/api/jobs/batch", json={"jobs": [JOB] * 2})
    body = asking(token, "/api/jobs/2")
    reader, writer = await opened(api)
    writer.write(asking(token, f"/api/jobs/1?wait={LONG}", f"Content-Length: {len(body)}") + body[:9])
    await waiting(1)

    await end(redis)
    first = await answered(reader)
    writer.write(body[9:] + asking(token, "/api/jobs/1"))

    assert [first, await answered(reader)] == [(200, 1), (200, 1)]
    writer.close()
