"""One connection to a target: it writes a request and reads the one answer to it, within bounds."""

import asyncio
import ssl
from time import perf_counter
from typing import cast

from services.worker.http.evidence import OPENING_BYTES, Evidence, acknowledged_bytes
from services.worker.http.heads import NotHttp
from services.worker.http.response import Answer, Reader, ResponseTooLarge
from shared.security.destinations import Origin

_NONE = Answer()
_IDLE = Reader(_NONE)
"""Of a connection without a request: a kept one must not keep the answer before alive."""

AT_ONCE_BYTES = 64 * 1024
"""A request up to this length is taken as a whole; of a longer one is noted when its end was."""


class ConnectionClosed(Exception):
    """The target closed the connection before it answered."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time; `is_usable` says whether another may follow."""

    __slots__ = (
        *("origin", "is_usable", "kept_at", "kept_until", "idle_seconds", "is_hinted", "lost", "evidence"),
        *("_loop", "_opened", "_transport", "_waiter", "_reader", "_acknowledged", "_written"),
        *("_deadline", "_timer", "_rings_at", "address", "_answer"),
    )

    def __init__(self, origin: Origin, opened: set["Connection"]) -> None:
        """`opened` is where it stands from its first moment to its last."""
        self.origin = origin
        self.address = ""
        """The address that was dialled; nothing by way of a proxy."""
        self.is_usable = False
        self.kept_at = self.kept_until = 0.0
        self.idle_seconds: float | None = None
        """How long its server said that it keeps it."""
        self.is_hinted = False
        """The server said for how long it may be kept."""
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.evidence: Evidence | None = None
        """Of an exchange that was `watched` and lost without an answer: whether anything was taken."""
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._reader = _IDLE
        self._answer = _NONE
        self._acknowledged: int | None = None
        self._written = 0
        self._deadline = self._rings_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def has_answered(self) -> bool:
        """Whether anything came back for the last request."""
        return self._reader.seen > 0

    def ask(
        self, request: bytes, answer: Answer, deadline: float, *, watched: bool = False
    ) -> "asyncio.Future[None]":
        """Write the request; the future is done when `answer` is complete, or fails for a reason of ours.

        At the deadline, by the clock of the loop, that is a TimeoutError.

        `watched`: gather evidence of whether the target took any of it, should it be lost.
        """
        waiter = self._loop.create_future()
        if not self.is_usable or self._transport is None:
            waiter.set_exception(ConnectionClosed())
            return waiter
        self.is_usable = False
        self._waiter, self._reader, self._answer = waiter, Reader(answer), answer
        self._acknowledged = self._taken() if watched else None
        self._written += len(request)
        self._deadline = deadline
        if self._timer is None or deadline < self._rings_at:
            self._set_timer()
        answer.written_at = perf_counter()
        if len(request) > AT_ONCE_BYTES:
            self._transport.set_write_buffer_limits(0)  # so that the loop says when all of it is written
        self._transport.write(request)
        return waiter

    def _taken(self) -> int | None:
        """What the target acknowledged of all before; of what is encrypted only the kernel knows the size."""
        assert self._transport is not None
        is_plain = self.origin.scheme == "http"
        return self._written + OPENING_BYTES if is_plain else acknowledged_bytes(self._transport)

    def _set_timer(self) -> None:
        """One serves many exchanges: if it rings before the deadline of the present one, it is set anew."""
        self._stop_timer()
        self._rings_at = self._deadline
        self._timer = self._loop.call_at(self._rings_at, self._ring)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._deadline > self._rings_at:
            self._set_timer()
        else:
            self._fail(TimeoutError())

    def close(self) -> None:
        """At once: a polite end would wait for a target that does not read."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's do not inherit from it
        self._opened.add(self)
        self.is_usable = True

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:  # there was no request: whose answer would it be?
            self.close()
            return
        reader = self._reader
        try:
            reader.feed(data)
        except (NotHttp, ResponseTooLarge) as error:
            self._fail(error)
        if reader.is_done:
            self._finish(keeps_alive=reader.keeps_alive)

    def eof_received(self) -> None:
        self._lose(None)
        self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_usable = False
        self._lose(error or ConnectionClosed())
        self._stop_timer()
        self._opened.discard(self)
        self._transport = None
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self) -> None:
        self._answer.written_at = 0.0

    def resume_writing(self) -> None:
        """All of a long request is written."""
        if not self._answer.begun:
            self._answer.written_at = perf_counter()

    # How an exchange ends.

    def _lose(self, error: Exception | None) -> None:
        """Nothing more comes; without an error the target ended it properly."""
        if self._waiter is None:
            return
        try:
            is_answered = self._reader.end(is_clean=error is None)
        except NotHttp as wrong:
            self._settle(wrong)
            return
        if is_answered:
            self._settle(None)
            return
        is_watched = error is None and self._acknowledged is not None and not self._waiter.done()
        if is_watched and self._transport is not None and not self.has_answered:
            self.evidence = Evidence.of(self._transport, self._acknowledged or 0)
        self._settle(error if isinstance(error, ssl.SSLError) else ConnectionClosed())

    def _finish(self, *, keeps_alive: bool) -> None:
        if self._waiter is None or self._transport is None:
            return
        self.idle_seconds = self._reader.idle_seconds
        self._settle(None)
        self.is_usable = keeps_alive and not self._transport.get_write_buffer_size()
        if not self.is_usable:
            self.close()

    def _fail(self, error: Exception) -> None:
        self._reader.glimpse()
        self._settle(error)
        self.close()

    def _settle(self, error: Exception | None) -> None:
        waiter, self._waiter, self._reader, self._answer = self._waiter, None, _IDLE, _NONE
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
