"""uvicorn's HTTP/1.1 with bounds: whatever a peer sends or not, a connection ends in time and stays small."""

import asyncio
from typing import ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.runtime.serving import hang_up, refusals
from shared.runtime.serving.bounds import (
    BODY_BYTES,
    BYTES_PER_SECOND,
    HEAD_BYTES,
    HEADER_FIELDS,
    LINGER_BYTES,
    PIPELINED,
    REQUEST_LINE_BYTES,
)
from shared.runtime.serving.connections import network_of
from shared.runtime.serving.door import Door, Stage
from shared.runtime.serving.gathering import Gathering
from shared.runtime.serving.refusals import Refusal
from shared.runtime.serving.upgrades import framing_of, parser_behind

_INFINITE = float("inf")


class _Unfit(Exception):
    """Stops the parser; the reason is in `_refusal`."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection; a subclass has the `door` of its server."""

    door: ClassVar[Door]

    address = ""
    is_of_proxy = False
    since = 0.0
    _stage: Stage = "head"
    _until = _INFINITE
    _is_in_head = _is_in_body = _is_new = _is_deaf = False
    _slice = 0
    """The bytes that the parser reads now."""
    _size = 0
    """Bytes received in this stage: of the header, of the body, or of what is dropped."""
    _left = _INFINITE
    """Bytes of our answers that the peer had not taken at the last check."""
    _barren = 0
    """Bytes received since the last that were part of the body itself."""
    _framing = b""
    """Bytes of the body of an upgrade request, until its parser exists."""
    _refusal: Refusal | None = None

    @property
    def waits(self) -> bool:
        return self._stage != "answer"

    @property
    def _is_over(self) -> bool:
        """Whether received data is no longer parsed."""
        return self._is_deaf or self._stage == "end"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]
        self._hang_up = hang_up.HangUp()
        self.address = network_of(self.client[0]) if self.client else ""
        self.is_of_proxy = self.client is not None and self.door.proxies.trusts(self.client[0])
        self._enter("head")
        if not self.door.connections.admit(self, self.loop):
            self.door.connections.count(refusals.FULL.reason)
            self._stage = "end"
            self.transport.write(refusals.FULL.answer(self.door.error_body(refusals.FULL.sentence)))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.connections.discard(self)
        super().connection_lost(exc)
        self._hang_up.come()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            self._throw_away(len(data))
            return
        if len(data) <= HEAD_BYTES:
            self._feed(data)
            return
        view = memoryview(data)  # in slices, so that an incomplete header cannot exceed two of them
        for start in range(0, len(data), HEAD_BYTES):
            self._feed(view[start : start + HEAD_BYTES])
            if self._is_over:
                return

    def _feed(self, data: bytes | memoryview) -> None:
        self._slice = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._feed_behind(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._refuse(self._refusal or refusals.of_no_http(bytes(data[:12])))
            return
        self._move_on()
        self._size += self._slice
        self._barren += self._slice
        if self._size > HEAD_BYTES:
            refusal = self._excess()
            if refusal:
                self._refuse(refusal)

    def _feed_behind(self, rest: bytes | memoryview) -> None:
        """Go on with HTTP/1.1 after a header that asks for another protocol."""
        try:
            if self._framing:
                self.parser, self._framing = parser_behind(self._framing, self), b""
        except httptools.HttpParserError:
            self._refuse(refusals.MALFORMED)
            return
        self._feed(rest)

    def _excess(self) -> Refusal | None:
        """The refusal for what is too large, over two slices: the first may begin with another request."""
        if self._stage == "body":
            if self._size > BODY_BYTES:
                return refusals.BODY_SIZE
            return refusals.MALFORMED if self._barren > 2 * HEAD_BYTES else None
        if self._size > 2 * HEAD_BYTES and (self._is_in_head or self._stage != "answer"):
            has_long_line = self._is_in_head and len(self.url) > REQUEST_LINE_BYTES
            return refusals.REQUEST_LINE if has_long_line else refusals.HEADERS
        return None

    # What the parser finds

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = self._is_new = True

    def on_headers_complete(self) -> None:
        self._refusal = self._unfit()
        if self._refusal:
            raise _Unfit
        self._is_in_head, self._is_in_body, self._barren = False, True, 0
        if self.is_of_proxy:
            self.door.proxies.tell(self.scope)  # type: ignore[arg-type]
        hang_up.give(self.scope, self._hang_up)  # type: ignore[arg-type]
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self._framing = framing_of(self.headers)
        self.headers = []  # trailers are never taken for headers

    def _unfit(self) -> Refusal | None:
        if len(self.pipeline) >= PIPELINED:
            return refusals.PIPELINE
        if len(self.url) > REQUEST_LINE_BYTES:
            return refusals.REQUEST_LINE
        if len(self.headers) > HEADER_FIELDS:
            return refusals.HEADERS
        if self._size + self._slice <= HEAD_BYTES:
            return None  # it cannot be larger than all that was received
        size = len(self.url) + sum([len(name) + len(value) for name, value in self.headers])
        return refusals.HEADERS if size > HEAD_BYTES else None

    def on_body(self, body: bytes) -> None:
        self._barren = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._framing:
            return  # the header alone is complete: the body follows
        self._is_in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """As in uvicorn, but the one timer of all connections ends idle ones."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._enter("end", self.door.bounds.answer_seconds)
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._is_in_body and b"content-length" not in dict(self.cycle.scope["headers"]):
            self._linger()  # reading and dropping it may cost a call for every byte
            return
        self._is_new = True
        self._move_on()

    # What it waits for, and for how long

    def _move_on(self) -> None:
        stage = self._next_stage()
        if stage != self._stage or self._is_new:
            self._is_new = False
            self._enter(stage)

    def _next_stage(self) -> Stage:
        if self._stage == "end":
            return "end"
        if self._is_in_body and not self.pipeline:
            return "body"
        if self.cycle is None:
            return "head"
        if self.pipeline or not self.cycle.response_complete:
            return "answer"
        return "head" if self._is_in_head else "idle"

    def _enter(self, stage: Stage, seconds: float | None = None) -> None:
        self._stage, self._size, self._left = stage, 0, _INFINITE
        if stage == "answer" and not self.flow.write_paused:
            self._until = _INFINITE
            return
        self.since = self.loop.time()
        self._until = self.since + (self.door.patience[stage] if seconds is None else seconds)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._until = self.loop.time() + self.door.bounds.answer_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stage == "answer":
            self._until = _INFINITE

    def expire(self, now: float) -> None:
        if self.flow.read_paused and self._hang_up.is_watched and hang_up.is_unread(self.transport):
            self.transport.abort()  # what it sent behind its request hides from the loop that it is gone
            return
        if now < self._until or self._is_taken(now):
            return
        if self._stage == "body" and not self.flow.write_paused and not self.transport.is_closing():
            self._expire_body(now)
        elif self._stage == "head" and self._is_in_head and not self.transport.is_closing():
            self._refuse(refusals.HEAD_TIME)
        else:
            if self._stage == "answer" or self.transport.get_write_buffer_size():
                self.door.connections.count("unread")
            self.transport.abort()  # the peer has had its time to take the rest

    def _expire_body(self, now: float) -> None:
        if self.flow.read_paused:  # we are the side that does not read
            self.since, self._until = now, now + self.door.bounds.body_seconds
            return
        self._until = self.since + self.door.bounds.body_seconds + self._size / BYTES_PER_SECOND
        if now >= self._until:
            self._refuse(refusals.BODY_TIME)

    def _is_taken(self, now: float) -> bool:
        """Whether the peer took enough of an answer since the last check to go on."""
        left, seconds = self.transport.get_write_buffer_size(), self.door.bounds.answer_seconds
        enough = 0 < left <= self._left - seconds * BYTES_PER_SECOND
        self._left = left
        if enough:
            self._until = now + seconds
        return enough

    def drop(self) -> None:
        self._stage = "end"
        self.transport.abort()

    # Saying no

    def _refuse(self, refusal: Refusal) -> None:
        self.door.connections.count(refusal.reason)
        self._is_deaf, self._size = True, 0
        cycle = self.cycle
        if cycle is None or (cycle.response_complete and not self._is_in_body):
            self._say(refusal)
        elif self._is_in_body and not self.pipeline and not cycle.response_started:
            cycle.disconnected = True  # the application waits for a body that will not come
            cycle.message_event.set()
            self._say(refusal)
        elif self._is_in_body:
            self.drop()
        else:
            cycle.keep_alive = False  # earlier answers are finished first

    def _say(self, refusal: Refusal) -> None:
        self.transport.write(refusal.answer(self.door.error_body(refusal.sentence)))
        self._linger()

    def _linger(self) -> None:
        """Close once our answer is taken, and for a moment read and drop what still comes."""
        self._enter("end")
        self.flow.resume_reading()
        self.transport.write_eof()

    def _throw_away(self, size: int) -> None:
        self._size += size
        if self._size > LINGER_BYTES and not self.transport.is_closing():
            self.transport.abort()
