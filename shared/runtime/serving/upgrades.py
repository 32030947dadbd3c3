"""Upgrade requests that have a body: the first request of the JDK's client is one.

httptools treats what follows such a header as the other protocol. We go on with HTTP/1.1, as a server may
(RFC 9110 §7.8): another parser reads the body, after being given the framing headers.
"""

from collections.abc import Iterable
from typing import Protocol

import httptools

Fields = Iterable[tuple[bytes, bytes]]

_FRAMING = (b"content-length", b"transfer-encoding")


class Callbacks(Protocol):
    """The callbacks of a parser."""

    def on_message_begin(self) -> None: ...
    def on_url(self, url: bytes) -> None: ...
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_headers_complete(self) -> None: ...
    def on_body(self, body: bytes) -> None: ...
    def on_message_complete(self) -> None: ...


def framing_of(fields: Fields) -> bytes:
    """The header fields that give the body's length; empty if there is no body."""
    return b"".join([b"%b: %b\r\n" % (name, value) for name, value in fields if name in _FRAMING])


def parser_behind(framing: bytes, callbacks: Callbacks) -> httptools.HttpRequestParser:
    """A parser that has read the header and goes on with the body; raises HttpParserError."""
    parser = httptools.HttpRequestParser(_Behind(callbacks))
    parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
    parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n")
    return parser


class _Behind:
    """Passes on all callbacks but those of the first header."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._is_behind = False
        self.on_body = callbacks.on_body
        self.on_message_complete = callbacks.on_message_complete

    def on_message_begin(self) -> None:
        if self._is_behind:
            self._callbacks.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self._is_behind:
            self._callbacks.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_behind:
            self._callbacks.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_behind:
            self._callbacks.on_headers_complete()
        self._is_behind = True
