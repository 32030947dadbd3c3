"""One connection to a target: it writes a request and reads the one answer to it, bounded and strictly."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from shared.addresses import Origin

KEPT_BYTES = 64 * 1024
READ_BYTES = 1024 * 1024
HEAD_BYTES, LINE_BYTES = 64 * 1024, 8 * 1024
SWITCHING_PROTOCOLS = 101


class ConnectionClosed(Exception):
    """The target closed the connection before its answer was complete."""


class NotHttp(Exception):
    """What arrived is no answer that HTTP/1.1 allows."""


class ResponseTooLarge(Exception):
    """A head beyond the bounds; `str()` is a sentence for the request's owner."""


@dataclass(slots=True)
class Answer:
    """What has arrived so far, kept even if the rest never comes; header names are in lower case."""

    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    kept_bytes: int = KEPT_BYTES
    """How much of the body is wanted; what is beyond 64 KiB is looked at, and `truncated` all the same."""
    is_cut: bool = False
    """There was more than we read of any answer."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time; `is_usable` says whether another may follow."""

    __slots__ = (
        *("origin", "is_usable", "kept_until", "lost", "_loop", "_opened", "_parser", "_transport"),
        *("_waiter", "_answer", "_keeps_alive", "_ends_with_eof", "_head_bytes", "_body_bytes", "_all_bytes"),
    )

    def __init__(self, origin: Origin, opened: set["Connection"]) -> None:
        """`opened` is where it stands from its first moment to its last."""
        self.origin = origin
        self.is_usable = False
        self.kept_until = 0.0
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._opened = opened
        self._parser: HttpResponseParser | None = None
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._answer = Answer()
        self._ends_with_eof = False

    def ask(self, request: bytes, answer: Answer) -> "asyncio.Future[None]":
        """Write the request; the future is done when `answer` is complete, or fails for a reason of ours."""
        waiter = self._loop.create_future()
        if not self.is_usable or self._transport is None:
            waiter.set_exception(ConnectionClosed())
            return waiter
        self.is_usable = False
        self._waiter, self._answer = waiter, answer
        self._keeps_alive = self._ends_with_eof = False
        self._head_bytes = self._body_bytes = self._all_bytes = 0
        self._transport.write(request)
        return waiter

    def expire(self) -> None:
        """The deadline of the exchange has come."""
        self._fail(TimeoutError())

    def close(self) -> None:
        """At once: a polite end would wait for a target that does not read."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's do not inherit from it
        self._parser = HttpResponseParser(self)
        self._opened.add(self)
        self.is_usable = True

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._parser is None:  # nothing was asked: whose answer would it be?
            self.close()
            return
        self._all_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._fail(NotHttp())  # or more than the answer came: that stands, the connection does not
        if self._waiter is not None:
            self._bound()

    def eof_received(self) -> None:
        if self._ends_with_eof:
            self._settle(None)
        self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_usable = False
        self._settle(error if isinstance(error, ssl.SSLError) else ConnectionClosed())
        self._opened.discard(self)
        self._parser = self._transport = None  # the parser holds us, and we it
        if not self.lost.done():
            self.lost.set_result(None)

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._waiter is None:
            raise NotHttp  # a second answer to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        if len(name) + len(value) > LINE_BYTES:
            self._refuse(ResponseTooLarge("The target sent a header line over 8 KiB."))
        if self._head_bytes > HEAD_BYTES:
            self._refuse(ResponseTooLarge("The target sent more than 64 KiB of headers."))
        if self._answer.status is None:  # else a trailer: its fields may not pass for headers
            text = value.decode("latin-1").rstrip(" \t")  # the parser strips only what stands before
            self._answer.headers.append((name.decode("latin-1").lower(), text))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != SWITCHING_PROTOCOLS:
            self._answer.headers.clear()
            return
        codings = [value.lower() for name, value in self._answer.headers if name == "transfer-encoding"]
        version = self._parser.get_http_version()
        if codings not in ([], ["chunked"]) or version not in ("1.1", "1.0"):
            self._refuse(NotHttp())
        self._answer.status = status
        self._keeps_alive = self._parser.should_keep_alive() and version == "1.1"
        if status == SWITCHING_PROTOCOLS:  # never asked for, and what follows is not HTTP
            self._finish(keeps_alive=False)
        elif not (codings or self._keeps_alive):
            self._ends_with_eof = all(name != "content-length" for name, _ in self._answer.headers)

    def on_body(self, data: bytes) -> None:
        if self._waiter is None:
            return
        if self._body_bytes < self._answer.kept_bytes:
            self._answer.body += data[: self._answer.kept_bytes - self._body_bytes]
        self._body_bytes += len(data)
        self._answer.truncated = self._body_bytes > KEPT_BYTES
        if self._body_bytes > READ_BYTES:
            self._answer.is_cut = True
            self._finish(keeps_alive=False)

    def on_message_complete(self) -> None:
        if self._answer.status is not None:  # else it was an interim answer
            self._finish(keeps_alive=self._keeps_alive)

    # How an exchange ends.

    def _bound(self) -> None:
        """What the parser took without telling: unfinished lines, interim answers, chunk extensions."""
        if self._answer.status is None:
            if self._all_bytes > HEAD_BYTES:
                self._fail(ResponseTooLarge("The target sent more than 64 KiB of headers."))
        elif self._all_bytes > READ_BYTES + HEAD_BYTES:
            self._answer.truncated = self._answer.is_cut = True
            self._finish(keeps_alive=False)

    def _finish(self, *, keeps_alive: bool) -> None:
        assert self._transport is not None
        if self._waiter is None:
            return
        self._settle(None)
        self.is_usable = keeps_alive and not self._transport.get_write_buffer_size()
        if not self.is_usable:
            self.close()

    def _refuse(self, error: Exception) -> None:
        """Fail from within the parser, and stop it."""
        self._fail(error)
        raise error

    def _fail(self, error: Exception) -> None:
        self._settle(error)
        self.close()

    def _settle(self, error: Exception | None) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
