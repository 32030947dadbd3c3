"""Whether the caller of a request hung up, for whoever is long about answering it."""

import asyncio
import socket
from collections.abc import Callable, MutableMapping
from typing import Any

_KEY = "recuro.hang_up"
_CLOSED_BY_PEER = 7, 8
"""States of TCP on Linux: closed, and closed by the peer alone."""


class HangUp:
    """Of one connection, which answers one request at a time; to watch for it takes no task."""

    __slots__ = ("_tell", "has_come")

    def __init__(self) -> None:
        self.has_come = False
        self._tell: Callable[[], None] | None = None

    def watch(self, tell: Callable[[], None]) -> None:
        """Call it once the caller hangs up, or now if that was before."""
        self._tell = tell
        if self.has_come:
            tell()

    def unwatch(self) -> None:
        self._tell = None

    @property
    def is_watched(self) -> bool:
        return self._tell is not None

    def come(self) -> None:
        self.has_come = True
        if self._tell:
            self._tell()


def give(scope: MutableMapping[str, Any], hang_up: HangUp) -> None:
    """Let a request have that of its connection, which `of` returns from then on."""
    scope[_KEY] = hang_up


def of(scope: MutableMapping[str, Any]) -> HangUp | None:
    """That of the request, if its server tells of it."""
    found: HangUp | None = scope.get(_KEY)
    return found


def is_unread(transport: asyncio.BaseTransport) -> bool:
    """Whether the peer hung up behind bytes that are not read yet, where the kernel tells."""
    connection = transport.get_extra_info("socket")
    try:
        state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except (AttributeError, OSError):  # it is no Linux, no TCP, or closed
        return False
    return state in _CLOSED_BY_PEER
