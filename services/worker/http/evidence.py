"""Whether a target can have taken anything of a request whose connection was lost without an answer.

A kept connection may be closed by its server in the same moment in which a request goes out on it. The
kernel knows what of our bytes the other side acknowledged: if it ended its side without any of them, and
refused them after that, nobody there can have read the request, and it may go out once more. A refusal alone
proves nothing: it carries no acknowledgement of what was read just before.
"""

import asyncio
import errno
import socket
import struct
import sys
from dataclasses import dataclass

WAIT_SECONDS, LOOK_SECONDS = 1.0, 0.01
"""How long the other side may take to say that it took the bytes, or to refuse them."""
_INFO_BYTES, _BYTES_ACKED = 128, 120
"""Of `struct tcp_info` (linux/tcp.h): where the 64 bits of `tcpi_bytes_acked` stand; first is the state."""
_CLOSED = 7
OPENING_BYTES = 1
"""That opens a connection is acknowledged as one byte."""


def acknowledged_bytes(transport: asyncio.BaseTransport) -> int | None:
    """How many of our bytes the other side has acknowledged; nothing if the system does not say."""
    info = _info(transport.get_extra_info("socket"))
    return info[1] if info else None


@dataclass(slots=True)
class Evidence:
    """A lost connection, kept open for the kernel's sake; `taken` before the request went out."""

    link: socket.socket
    taken: int

    @classmethod
    def of(cls, transport: asyncio.BaseTransport, taken: int) -> "Evidence | None":
        """Nothing if it is too late to look."""
        known = transport.get_extra_info("socket")
        try:
            return cls(known.dup(), taken)
        except (OSError, AttributeError):
            return None

    async def shows_nothing_was_taken(self, deadline: float) -> bool:
        """Wait, a second at most, until the connection has broken for good; anything else proves nothing."""
        loop = asyncio.get_running_loop()
        deadline = min(deadline, loop.time() + WAIT_SECONDS)
        try:
            while loop.time() < deadline:
                info = _info(self.link)
                if info is None or info[1] > self.taken:
                    return False
                if info[0] == _CLOSED:
                    return _was_ended_before(self.link)
                await asyncio.sleep(LOOK_SECONDS)
            return False
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self.link.close()


def _was_ended_before(link: socket.socket) -> bool:
    """Whether the other side's end came before it broke the connection: then Linux says EPIPE.

    The end acknowledges all that had come by then, which a reset does not.
    """
    return link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.EPIPE


def _info(link: socket.socket | None) -> tuple[int, int] | None:
    """The state of a connection, and how many of its bytes were acknowledged."""
    if link is None or not sys.platform.startswith("linux"):
        return None
    try:
        info = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    except OSError:
        return None
    if len(info) < _INFO_BYTES:
        return None
    return info[0], struct.unpack_from("=Q", info, _BYTES_ACKED)[0]
