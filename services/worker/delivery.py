"""One HTTP exchange: a request goes out under one deadline, and whatever happens becomes a value."""

import asyncio
import os
import re
import ssl
import time
from functools import lru_cache, partial
from types import TracebackType
from typing import NamedTuple

import structlog

from services.worker.assertions import Answered, failed, look_at_body
from services.worker.coding import Corrupt, unpacked
from services.worker.connection import (
    KEPT_BYTES,
    READ_BYTES,
    Answer,
    ConnectionClosed,
    NotHttp,
    ResponseTooLarge,
)
from services.worker.egress import KEPT_NAMES, Resolver
from services.worker.pool import NoConnection, Pool
from services.worker.proxy import Proxy, ProxyRefused
from shared.addresses import Destination, Origin, Policy, Refusal, destination
from shared.schemas.assertions import Assertion
from shared.schemas.runs import FailureReason

LOCATION_CHARACTERS = 300

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_FRAMING = frozenset(("host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"))
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))

log = structlog.get_logger()


class Outgoing(NamedTuple):
    """A request as it shall leave; `timeout_seconds` covers name lookup to last byte."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    timeout_seconds: float
    assertions: tuple[Assertion, ...] = ()


class Exchange(NamedTuple):
    """What became of it: no `failure_reason` means a 2xx as asserted; header names are in lower case."""

    response_status: int | None
    response_headers: tuple[tuple[str, str], ...]
    response_body: str | None
    response_truncated: bool
    duration_ms: int
    error_message: str | None
    failure_reason: FailureReason | None
    started_at_ms: int
    executed_at_ms: int
    asked_wait_seconds: int | None = None
    """What the target asked to wait, where its `Retry-After` does not say it as RFC 9110 does."""


def unsent(reason: FailureReason, sentence: str) -> Exchange:
    """What became of a request that was never made."""
    now = time.time_ns() // 1_000_000
    return Exchange(None, (), None, False, 0, sentence, reason, now, now)


class _Failure(NamedTuple):
    reason: FailureReason
    message: str


class InvalidRequest(Refusal):
    """A method or header that would not arrive as what it is."""


class Sender:
    """`async with Sender(policy) as sender:` keeps connections, and nothing else, between requests."""

    def __init__(
        self,
        policy: Policy,
        *,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._policy = policy
        self._proxy = proxy
        self._resolver = resolver or Resolver(policy)
        self._tls = tls or ssl.create_default_context()
        self._destination = lru_cache(KEPT_NAMES)(partial(destination, policy))
        self._pool: Pool | None = None

    async def __aenter__(self) -> "Sender":
        self._pool = Pool(self._policy, self._resolver, self._tls, self._proxy)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.close()
        await self._resolver.close()

    def origin_of(self, url: str) -> Origin | None:
        """Whom a request to the URL would go to; nothing if it would not leave."""
        try:
            return self._destination(url).origin
        except Refusal:
            return None

    async def send(self, call: Outgoing) -> Exchange:
        """Send once; raises nothing but a cancellation."""
        started_at_ms, began = time.time_ns() // 1_000_000, time.perf_counter()
        needs_all = call.assertions and look_at_body(call.assertions)
        answer = Answer(kept_bytes=READ_BYTES if needs_all else KEPT_BYTES)
        try:
            await self._exchange(call, answer)
        except Exception as error:  # a target's faults are data
            failure: _Failure | None = _failure_of(error, call, answer)
            answer.truncated |= answer.status is not None
        else:
            corrupt = _unpack(answer)
            failure = _verdict_on(answer) or corrupt
        duration_ms = round((time.perf_counter() - began) * 1000)
        if call.assertions and failure is None:
            failure = _asserted(call.assertions, answer, duration_ms)
        return Exchange(
            response_status=answer.status,
            response_headers=tuple(answer.headers) if answer.status is not None else (),
            response_body=None
            if answer.status is None
            else answer.body[:KEPT_BYTES].decode("utf-8", "replace"),
            response_truncated=answer.truncated,
            duration_ms=duration_ms,
            error_message=failure.message if failure else None,
            failure_reason=failure.reason if failure else None,
            started_at_ms=started_at_ms,
            executed_at_ms=started_at_ms + duration_ms,
        )

    async def _exchange(self, call: Outgoing, answer: Answer) -> None:
        """One request, written once: a repeat is an attempt of its own, for the queue to decide."""
        if self._pool is None:
            raise RuntimeError("the sender is not open")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + call.timeout_seconds
        to = self._destination(call.url)
        request = written(call, to, self._proxy)
        connection = self._pool.take(to.origin) or await self._pool.dial(to, deadline)
        timer = loop.call_at(deadline, connection.expire)
        try:
            await connection.ask(request, answer)
        finally:
            timer.cancel()
            self._pool.keep(connection)


def written(call: Outgoing, to: Destination, proxy: Proxy | None = None) -> bytes:
    """Raises InvalidRequest; names and values were checked when they were accepted, framing hangs on it."""
    names = _names(tuple(call.headers))
    # A proxy is asked for the whole URL (RFC 9112, 3.2.2); what is encrypted it carries unseen.
    is_proxied = proxy is not None and to.origin.scheme == "http"
    target = str(to) if is_proxied else to.target
    lines = [f"{call.method} {target} HTTP/1.1", f"Host: {to.authority}", "Accept-Encoding: identity"]
    if proxy is not None and is_proxied:
        lines += proxy.headers
    lines += [f"{name}: {value}" for name, value in call.headers.items()]
    if "accept" not in names:
        lines.append("Accept: */*")
    if call.body is not None or call.method in _WITH_BODY:
        lines.append(f"Content-Length: {len(call.body or b'')}")
    head, breaks = "\r\n".join(lines), len(lines) - 1
    if head.count("\r") != breaks or head.count("\n") != breaks or "\0" in head:
        raise InvalidRequest("A header of the request cannot be sent.")
    if not _TOKEN.match(call.method):
        raise InvalidRequest("The method of the request cannot be sent.")
    try:
        return f"{head}\r\n\r\n".encode("latin-1") + (call.body or b"")
    except UnicodeEncodeError:
        raise InvalidRequest("A header of the request holds a character outside Latin-1.") from None


@lru_cache(KEPT_NAMES)
def _names(names: tuple[str, ...]) -> frozenset[str]:
    """Headers' names in lower case; raises InvalidRequest if one is none, or one that frames a message."""
    lower = frozenset(name.lower() for name in names)
    if lower & _FRAMING or not all(map(_TOKEN.match, names)):
        raise InvalidRequest("A header of the request has a name that cannot be sent.")
    return lower


def _verdict_on(answer: Answer) -> _Failure | None:
    status = answer.status or 0
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return _Failure(FailureReason.REDIRECT, _redirect(status, answer))
    if 400 <= status < 500:
        return _Failure(FailureReason.HTTP_CLIENT_ERROR, f"The target answered with status {status}.")
    if status >= 500:
        return _Failure(FailureReason.HTTP_SERVER_ERROR, f"The target answered with status {status}.")
    return _Failure(FailureReason.UNKNOWN, f"The target answered with the unexpected status {status}.")


def _unpack(answer: Answer) -> _Failure | None:
    """Put what a compressed body holds in its place, within the bound of what is kept."""
    coding = next((value for name, value in answer.headers if name == "content-encoding"), "")
    if not coding or not answer.body:
        return None
    try:
        found = unpacked(bytes(answer.body), coding, answer.kept_bytes)
    except Corrupt:
        sentence = f"The target's answer is not valid {coding.strip().lower()}, as its Content-Encoding says."
        return _Failure(FailureReason.CONNECTION_ERROR, sentence)
    answer.body[:] = found.body
    answer.is_cut |= not found.is_whole
    answer.truncated |= not found.is_whole or len(found.body) > KEPT_BYTES
    return None


def _asserted(assertions: tuple[Assertion, ...], answer: Answer, duration_ms: int) -> _Failure | None:
    body, is_whole = bytes(answer.body), not answer.is_cut
    why = failed(assertions, Answered(answer.status or 0, answer.headers, body, is_whole, duration_ms))
    return _Failure(FailureReason.ASSERTION_FAILED, why) if why else None


def _redirect(status: int, answer: Answer) -> str:
    location = next((value for name, value in answer.headers if name == "location"), "")
    shown = "".join(character if character.isprintable() else "?" for character in location)
    to = f" to {shown[:LOCATION_CHARACTERS]}" if shown else ""
    return f"The target answered with a redirect ({status}){to}, and redirects are not followed."


def _failure_of(error: Exception, call: Outgoing, answer: Answer) -> _Failure:
    """Sentences of our own only: an exception's text may quote what the target sent."""
    if isinstance(error, Refusal):
        return _Failure(error.reason, str(error))
    if isinstance(error, TimeoutError):
        did = "answer" if answer.status is None else "finish its answer"
        return _Failure(FailureReason.TIMEOUT, f"The target did not {did} within {call.timeout_seconds:g} s.")
    if isinstance(error, ssl.SSLError):
        return _Failure(FailureReason.SSL_ERROR, _tls_sentence(error))
    if isinstance(error, ResponseTooLarge):
        return _Failure(FailureReason.RESPONSE_TOO_LARGE, str(error))
    if isinstance(error, ProxyRefused):
        return _Failure(FailureReason.CONNECTION_ERROR, str(error))
    if isinstance(error, NotHttp):
        return _Failure(FailureReason.CONNECTION_ERROR, "The target's answer is not valid HTTP.")
    if isinstance(error, NoConnection | ConnectionClosed):
        return _Failure(FailureReason.CONNECTION_ERROR, _connection_sentence(error, answer))
    log.error("send_failed", error=type(error).__name__)
    return _Failure(FailureReason.UNKNOWN, f"The request could not be sent ({type(error).__name__}).")


def _tls_sentence(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The target's TLS certificate was refused: {error.verify_message.rstrip('.')}."
    return f"The TLS connection failed: {(error.reason or 'unknown reason').replace('_', ' ').lower()}."


def _connection_sentence(error: NoConnection | ConnectionClosed, answer: Answer) -> str:
    if isinstance(error, NoConnection):
        why = f": {os.strerror(error.number)}" if error.number else ""
        return f"No connection to {error.origin.host}:{error.origin.port}{why}."
    if answer.status is not None:
        return "The target closed the connection in the middle of its answer."
    return "The target closed the connection without an answer."
