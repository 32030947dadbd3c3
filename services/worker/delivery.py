"""One HTTP exchange: a request goes out under one deadline, and whatever happens becomes a value."""

import asyncio
import os
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import TracebackType

import aiohttp
import structlog
from aiohttp.http_exceptions import LineTooLong

from services.worker.egress import KEPT_NAMES, Policy, Refusal, Resolver, connector, destination
from shared.schemas.runs import FailureReason

KEPT_BYTES = 64 * 1024
READ_BYTES = 1024 * 1024
LOCATION_CHARACTERS = 300

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it shall leave; `timeout_seconds` covers name lookup to last byte."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Exchange:
    """What became of it: no `failure_reason` means a 2xx; header names are in lower case."""

    response_status: int | None
    response_headers: tuple[tuple[str, str], ...]
    response_body: str | None
    response_truncated: bool
    duration_ms: int
    error_message: str | None
    failure_reason: FailureReason | None
    started_at_ms: int
    executed_at_ms: int


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: FailureReason
    message: str


@dataclass(slots=True)
class _Answer:
    """What has arrived so far, kept even if the rest never comes."""

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytearray = field(default_factory=bytearray)
    truncated: bool = False


class Sender:
    """`async with Sender(policy) as sender:` keeps connections, and nothing else, between requests."""

    def __init__(
        self, policy: Policy, *, resolver: Resolver | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._policy = policy
        self._resolver = resolver or Resolver(policy)
        self._tls = tls or ssl.create_default_context()
        self._destination = lru_cache(KEPT_NAMES)(partial(destination, policy))
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Sender":
        self._session = aiohttp.ClientSession(
            connector=connector(self._policy, self._resolver, self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(),  # none of aiohttp's: `send` has one deadline over all
            skip_auto_headers=("Content-Type", "User-Agent"),
        )
        # aiohttp would send a GET, PUT or DELETE again when a kept connection dies, but a repeat is an
        # attempt of its own, for the queue to decide. No public switch: a test holds this one in place.
        self._session._retry_connection = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    async def send(self, call: Outgoing) -> Exchange:
        """Send once; raises nothing but a cancellation."""
        started_at_ms, began = time.time_ns() // 1_000_000, time.perf_counter()
        answer = _Answer()
        try:
            async with asyncio.timeout(call.timeout_seconds):
                await self._exchange(call, answer)
        except Exception as error:  # a target's faults are data
            failure: _Failure | None = _failure_of(error, call, answer)
            answer.truncated |= answer.status is not None
        else:
            failure = _verdict_on(answer)
        duration_ms = round((time.perf_counter() - began) * 1000)
        return Exchange(
            response_status=answer.status,
            response_headers=answer.headers,
            response_body=None if answer.status is None else answer.body.decode("utf-8", "replace"),
            response_truncated=answer.truncated,
            duration_ms=duration_ms,
            error_message=failure.message if failure else None,
            failure_reason=failure.reason if failure else None,
            started_at_ms=started_at_ms,
            executed_at_ms=started_at_ms + duration_ms,
        )

    async def _exchange(self, call: Outgoing, answer: _Answer) -> None:
        if self._session is None:
            raise RuntimeError("the sender is not open")
        url = self._destination(call.url)
        headers = {**call.headers, "Accept-Encoding": "identity"}
        async with self._session.request(
            call.method, url, data=call.body, headers=headers, allow_redirects=False
        ) as response:
            answer.headers = tuple(
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in response.raw_headers
            )
            answer.status = response.status
            await _read(response, answer)


async def _read(response: aiohttp.ClientResponse, answer: _Answer) -> None:
    """Keep the first 64 KiB; read on to 1 MiB so that the connection can be used again, then cut it."""
    arrived = 0
    async for chunk in response.content.iter_any():
        if arrived < KEPT_BYTES:
            answer.body += chunk[: KEPT_BYTES - arrived]
        arrived += len(chunk)
        answer.truncated = arrived > KEPT_BYTES
        if arrived > READ_BYTES:
            response.close()
            return


def _verdict_on(answer: _Answer) -> _Failure | None:
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


def _redirect(status: int, answer: _Answer) -> str:
    location = next((value for name, value in answer.headers if name == "location"), "")
    shown = "".join(character if character.isprintable() else "?" for character in location)
    to = f" to {shown[:LOCATION_CHARACTERS]}" if shown else ""
    return f"The target answered with a redirect ({status}){to}, and redirects are not followed."


def _failure_of(error: Exception, call: Outgoing, answer: _Answer) -> _Failure:
    """Sentences of our own only: an exception's text may quote what the target sent."""
    if isinstance(error, Refusal):
        return _Failure(error.reason, str(error))
    if isinstance(error, TimeoutError):
        did = "answer" if answer.status is None else "finish its answer"
        return _Failure(FailureReason.TIMEOUT, f"The target did not {did} within {call.timeout_seconds:g} s.")
    if tls := _tls_error(error):
        return _Failure(FailureReason.SSL_ERROR, _tls_sentence(tls))
    if isinstance(error, aiohttp.ClientResponseError):
        return _not_http(error)
    if isinstance(error, aiohttp.ClientError | OSError):
        return _Failure(FailureReason.CONNECTION_ERROR, _connection_sentence(error, answer))
    log.error("send_failed", error=type(error).__name__)
    return _Failure(FailureReason.UNKNOWN, f"The request could not be sent ({type(error).__name__}).")


def _causes(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """The TLS failure behind aiohttp's exceptions: those that are an `SSLError` too lack its fields."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, aiohttp.ClientError):
            return cause
    return None


def _tls_sentence(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The target's TLS certificate was refused: {error.verify_message.rstrip('.')}."
    return f"The TLS connection failed: {(error.reason or 'unknown reason').replace('_', ' ').lower()}."


def _not_http(error: aiohttp.ClientResponseError) -> _Failure:
    if any(isinstance(cause, LineTooLong) for cause in _causes(error)):
        return _Failure(FailureReason.RESPONSE_TOO_LARGE, "The target sent a header line over 8 KiB.")
    return _Failure(FailureReason.CONNECTION_ERROR, "The target's answer is not valid HTTP.")


def _connection_sentence(error: Exception, answer: _Answer) -> str:
    if answer.status is not None:
        return "The target closed the connection in the middle of its answer."
    number = getattr(error, "errno", None)
    if isinstance(error, aiohttp.ClientConnectorError):
        why = f": {os.strerror(number)}" if number else ""
        return f"No connection to {error.host}:{error.port}{why}."
    return "The target closed the connection without an answer."
