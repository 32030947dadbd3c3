"""Send all that is written in one turn of the loop at its end: head and body of a short answer at once."""

import asyncio
from typing import Any

MOST_BYTES = 64 * 1024
"""Bytes that may wait for the end of a turn; beyond them, flow control must see how much the peer takes."""


class Gathering:
    """A transport that writes at the end of the loop's turn; otherwise it is the one it wraps."""

    __slots__ = ("_chunks", "_loop", "_size", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self.is_closing = transport.is_closing  # which every answer asks
        self._loop = loop
        self._chunks: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._chunks:
            self._loop.call_soon(self._flush)
        self._chunks.append(data)
        self._size += len(data)
        if self._size > MOST_BYTES:
            self._flush()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size() + self._size

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        chunks, self._chunks, self._size = self._chunks, [], 0
        if chunks and not self.is_closing():  # a closing transport takes nothing more
            self._transport.write(b"".join(chunks))
