"""Reading the one answer to a request from the bytes of a connection, in whatever pieces they come.

An answer counts (spec §4): once a status line has arrived, its status is kept and decides.
"""

import re
from dataclasses import dataclass, field
from time import perf_counter

from services.worker.http.chunked import Chunks
from services.worker.http.dialled import Dialled
from services.worker.http.heads import (
    SHOWN_CHARACTERS,
    Framing,
    Head,
    Headers,
    check_beginning,
    check_nul,
    framing_of,
    head_of,
    part_of,
    regular_head,
)

KEPT_BYTES = 64 * 1024
READ_BYTES = 1024 * 1024
HEAD_BYTES = 256 * 1024
FRAMING_BYTES = 512 * 1024
"""What may stand between the parts of a chunked body: each part costs time, and may be all but empty."""
_COMMON_BYTES = 1024

_BEGINNING = b"HTTP/"
_HEAD_END = re.compile(rb"\n\r?\n")


class ResponseTooLarge(Exception):
    """A head beyond the bounds; `str()` is a sentence for the request's owner."""


@dataclass(slots=True)
class Answer:
    """What has arrived so far, kept even if the rest never comes; header names are in lower case."""

    status: int | None = None
    headers: Headers = ()
    body: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    kept_bytes: int = KEPT_BYTES
    """How much of the body is wanted; what is beyond 64 KiB is looked at, and `truncated` all the same."""
    is_cut: bool = False
    """There was, or should have been, more than what was read."""
    is_asked_for: bool = False
    """The request has gone out."""
    begun: bool = False
    """Anything came at all."""
    written_at: float = 0.0
    """When the last byte of the request was handed to the system, by the performance counter (s)."""
    begun_at: float = 0.0
    """When the first byte came."""
    address: str = ""
    """Whose answer it is; nothing by way of a proxy."""
    dialled: Dialled | None = None
    """The connection that was made for it; none if a kept one carries it."""
    packed: tuple[str, ...] = ()
    """The codings that the body is packed in, the outermost last."""
    content_type: str = ""

    def cut(self) -> None:
        self.is_cut = self.truncated = True


class Reader:
    """`feed` it what arrives until `is_done`, or say with `end` that nothing more comes."""

    __slots__ = (
        *(
            "is_done",
            "keeps_alive",
            "seen",
            "_answer",
            "_body_bytes",
            "_buffer",
            "_chunks",
            "_framing",
            "_framing_bytes",
            "_left",
        ),
        "_searched",
    )

    def __init__(self, answer: Answer) -> None:
        self.is_done = False
        self.keeps_alive = False
        """Whether another request may follow on the connection, once it is done."""
        self.seen = 0
        """Bytes so far."""
        self._answer = answer
        self._buffer: bytes | bytearray = b""
        """Of a head, what came so far; `_searched` says how much of it holds no end."""
        self._searched = 0
        self._framing: Framing | None = None
        self._chunks: Chunks | None = None
        self._left = self._body_bytes = self._framing_bytes = 0

    @property
    def idle_seconds(self) -> float | None:
        """How long the server says that it keeps the connection."""
        return self._framing.idle_seconds if self._framing else None

    def feed(self, data: bytes) -> None:
        """Raises NotHttp or ResponseTooLarge; the answer holds what is known by then."""
        self.seen += len(data)
        if not self._answer.begun:
            self._answer.begun, self._answer.begun_at = True, perf_counter()
        if self._framing is None:
            self._read_heads(data)
        else:
            self._read_body(data)
        if not self.is_done and self.seen > READ_BYTES + HEAD_BYTES:  # chunks may be all but empty
            self._cut()

    def end(self, *, is_clean: bool) -> bool:
        """Nothing more comes; whether that leaves an answer, perhaps a cut one."""
        self.glimpse()
        if self._answer.status is None:
            return False
        ends_here = self._framing and not self._chunks and self._left < 0 and is_clean
        if not (self.is_done or ends_here or (self._chunks and self._chunks.is_whole)):
            self._answer.cut()
        self.is_done, self.keeps_alive = True, False
        return True

    def glimpse(self) -> None:
        """Note the status, and the headers so far, of a head that has not ended."""
        if self._framing is None and self._answer.status is None:
            head = part_of(self._buffer.decode("latin-1"))
            if head:
                self._answer.status, self._answer.headers = head.status, head.headers

    def _read_heads(self, data: bytes) -> None:
        """Interim answers are passed over, and blank lines before a first line."""
        if not self._buffer and 0 < (size := data.find(b"\r\n\r\n")) < _COMMON_BYTES:
            known = regular_head(data[:size])
            if known:
                self._begin_body(*known)
                self._read_body(data[size + 4 :])
                return
        buffer: bytes | bytearray = data
        if self._buffer:
            buffer = self._buffer
            buffer += data
        at = 0
        while self._framing is None:
            if not buffer.startswith(_BEGINNING, at):
                at += _blank_before(buffer, at)
                check_beginning(bytes(buffer[at : at + SHOWN_CHARACTERS]))
            end = _HEAD_END.search(buffer, max(at, self._searched))
            if self.seen - (len(buffer) - end.start() if end else 0) > HEAD_BYTES:
                self._buffer = bytearray(buffer[at:])
                self.glimpse()
                raise ResponseTooLarge("The target sent more than 256 KiB of headers.")
            if not end:
                self._buffer = self._buffer if buffer is self._buffer and not at else bytearray(buffer[at:])
                self._searched = max(0, len(self._buffer) - 2)
                return
            self._searched = 0
            self._read_head(buffer[at : end.start()].decode("latin-1").removesuffix("\r"))
            at = end.end()
        self._read_body(data if not at else bytes(buffer[at:]))

    def _read_head(self, text: str) -> None:
        head = head_of(text)
        if head.is_interim:
            return
        answer = self._answer
        answer.status, answer.headers = head.status, head.headers
        check_nul(text)
        self._begin_body(head, framing_of(head))

    def _begin_body(self, head: Head, framing: Framing) -> None:
        answer = self._answer
        answer.status, answer.headers = head.status, head.headers
        answer.packed, answer.content_type = framing.packed, framing.content_type
        self._framing, self.keeps_alive = framing, framing.keeps_alive
        if framing.is_chunked:
            self._chunks = Chunks()
        self._left = -1 if framing.length is None else framing.length

    def _read_body(self, data: bytes) -> None:
        if self._chunks:
            self._read_chunks(self._chunks, data)
        elif self._left < 0:
            self._take(data)
        else:
            part = data if len(data) <= self._left else data[: self._left]
            self._left -= len(part)
            self._take(part)
            if self._left == 0:
                self.is_done = True
                self.keeps_alive &= len(part) == len(data)  # more than the answer came: that stands

    def _read_chunks(self, chunks: Chunks, data: bytes) -> None:
        body = b"".join(chunks.feed(data))
        self._framing_bytes += len(data) - len(body)
        self._take(body)
        if chunks.is_broken or self._framing_bytes > FRAMING_BYTES:
            self._cut()
        elif chunks.is_done:
            self.is_done = True
            self.keeps_alive &= not chunks.rest and not chunks.is_odd

    def _take(self, part: bytes) -> None:
        answer = self._answer
        if self._body_bytes < answer.kept_bytes:
            answer.body += part[: answer.kept_bytes - self._body_bytes]
        self._body_bytes += len(part)
        if self._body_bytes > KEPT_BYTES:
            answer.truncated = True
            if self._body_bytes > READ_BYTES:
                self._cut()

    def _cut(self) -> None:
        self._answer.cut()
        self.is_done, self.keeps_alive = True, False


def _blank_before(buffer: bytes | bytearray, at: int) -> int:
    """How many bytes of line ends come first."""
    count = 0
    while buffer[at + count : at + count + 1] in (b"\r", b"\n"):
        count += 1
    return count
