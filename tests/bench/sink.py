"""The target of all requests: a process that answers 200 with as little work as possible."""

import asyncio
import re
import sys
from pathlib import Path
from typing import cast

import uvloop

from tests.bench.board import Board

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Sink(asyncio.Protocol):
    """One connection; `POST /` counts, `POST /<number>` also keeps the moment."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._arrived = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            asyncio.WriteTransport, transport
        )  # uvloop's transports do not inherit from it

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._arrived += data
        while (head := self._arrived.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._arrived, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self._arrived) < end:
                return
            path = self._arrived[: self._arrived.index(b" HTTP/1.1\r\n")].partition(b" /")[2]
            self._board.arrive(int(path or 0))
            self._transport.write(ANSWER)
            del self._arrived[:end]


async def serve(board: Board) -> None:
    """Answer until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(board), "127.0.0.1", 0, backlog=1024)
    board.listen(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Board(Path(sys.argv[1]))))
