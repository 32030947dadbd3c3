"""What the API says before it knows who calls: the door's server is the bounded one."""

import os
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest
from httpx import AsyncClient

from tests.processes import resident_bytes
from tests.runtime.wires import HALF, wire_to

MEBIBYTE = 1 << 20
PING = b"POST /ping/s0-1-1-anything HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"


@pytest.mark.parametrize(("begin", "status"), [(b"GET /", 414), (HALF, 431)])
async def test_a_header_without_end_is_refused_as_an_error_of_the_api(
    api: str, begin: bytes, status: int
) -> None:
    async with wire_to(urlsplit(api).port or 0) as wire:
        await wire.send(begin + b"a" * 65_536)
        answer = await wire.answer()
        sent = await wire.pour(b"a" * MEBIBYTE, 100 * MEBIBYTE)

    assert (answer.status, list(answer.body)) == (status, ["error"])
    assert sent < 20 * MEBIBYTE


async def test_bodies_of_pings_that_nobody_has_ended_take_next_to_no_memory(
    api: str, anonymous: AsyncClient
) -> None:
    body = b"a" * (MEBIBYTE - 1)
    before = resident_bytes(os.getpid())

    async with AsyncExitStack() as stack:
        for _ in range(60):
            wire = await stack.enter_async_context(wire_to(urlsplit(api).port or 0))
            await wire.send(PING + body)
        await anonymous.get("/healthz")
        taken = resident_bytes(os.getpid()) - before

    assert taken < 20 * MEBIBYTE
