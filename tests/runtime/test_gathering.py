"""What is written in one turn of the loop goes out at its end, whole and in order."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.runtime.serving.gathering import MOST_BYTES, Gathering


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Gathering, socket.socket]]:
    """One end of a connection, and the other one's socket."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    with theirs:
        yield Gathering(transport, loop), theirs
    transport.abort()


def arrived(link: socket.socket) -> bytes | None:
    """What is there now; nothing if it has not ended."""
    try:
        return link.recv(2 * MOST_BYTES)
    except BlockingIOError:
        return None


async def test_what_is_written_in_one_turn_arrives_at_its_end_in_one_piece() -> None:
    async with linked() as (transport, theirs):
        transport.write(b"head, ")
        transport.write(b"body")

        before, size = arrived(theirs), transport.get_write_buffer_size()
        await asyncio.sleep(0)

        assert (before, size) == (None, 10)
        assert (arrived(theirs), transport.get_write_buffer_size()) == (b"head, body", 0)


@pytest.mark.parametrize("end", ["write_eof", "close"])
async def test_what_was_written_arrives_before_the_end(end: str) -> None:
    async with linked() as (transport, theirs):
        transport.write(b"last words")

        getattr(transport, end)()
        await asyncio.sleep(0)

        assert arrived(theirs) == b"last words"
        await asyncio.sleep(0)
        assert arrived(theirs) == b""


async def test_of_what_was_cut_off_nothing_is_written() -> None:
    async with linked() as (transport, theirs):
        transport.write(b"unwanted")

        transport.abort()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert arrived(theirs) == b""


async def test_much_is_not_held_back() -> None:
    async with linked() as (transport, theirs):
        transport.write(b"x" * MOST_BYTES)
        transport.write(b"y")

        assert (arrived(theirs) or b"").startswith(b"x")
