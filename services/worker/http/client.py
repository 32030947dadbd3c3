"""One HTTP exchange: a request goes out under one deadline, and whatever happens becomes a value."""

import asyncio
import ssl
import time
from types import TracebackType

from services.worker.http import failures
from services.worker.http.bodies.aside import Aside
from services.worker.http.bodies.assertions import Answered, failed, look_at_body
from services.worker.http.bodies.charset import as_utf8, is_utf8, text_of
from services.worker.http.connection import Connection, ConnectionClosed
from services.worker.http.dialled import Dialled
from services.worker.http.egress import Resolver
from services.worker.http.exchange import Exchange
from services.worker.http.failures import Failure, RequestFacts
from services.worker.http.outgoing import Outgoing, written
from services.worker.http.permit import AT_ONCE, NotSent, Permit
from services.worker.http.phases import phases_of
from services.worker.http.pool import Pool
from services.worker.http.proxy import Proxy
from services.worker.http.response import KEPT_BYTES, READ_BYTES, Answer
from shared.schemas.runs import FailureReason
from shared.security.addresses import Policy, Refusal
from shared.security.destinations import Destinations, Origin

_IDEMPOTENT = frozenset(("GET", "PUT", "DELETE"))
"""Methods that do no more when they come twice (RFC 9110, 9.2.2), of those that a caller may ask for."""


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
        self._tls = tls or _modern_tls()
        self._destination = Destinations(policy)
        self._pool: Pool | None = None
        self._aside = Aside()

    async def __aenter__(self) -> "Sender":
        self._pool = Pool(self._policy, self._resolver, self._tls, self._proxy)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.close()
        await self._resolver.close()
        await self._aside.close()

    def origin_of(self, url: str) -> Origin | None:
        """Whom a request to the URL would go to; nothing if it would not leave."""
        try:
            return self._destination(url).origin
        except Refusal:
            return None

    async def send(self, call: Outgoing, permit: Permit = AT_ONCE) -> Exchange:
        """Send once, if the permit allows it; raises NotSent (NoPlace is one) or a cancellation only."""
        started_at_ms, began = permit.now_ms(), time.perf_counter()
        needs_all = call.assertions and look_at_body(call.assertions)
        answer = Answer(kept_bytes=READ_BYTES if needs_all else KEPT_BYTES)
        try:
            await self._exchange(call, answer, permit)
        except NotSent:
            raise
        except Exception as error:  # a target's faults are data, and the error goes with all it holds on to
            answer.truncated |= answer.status is not None
            failure = self._judged(call, answer, error)
        else:
            failure = self._judged(call, answer, None)
        ended, waited_seconds = time.perf_counter(), permit.waited_seconds
        started_at_ms += round(waited_seconds * 1000)
        duration_ms = round((ended - began - waited_seconds) * 1000)
        text = None
        if answer.status is not None:
            content_type = answer.content_type
            if answer.packed and answer.body:
                content_type = await self._unpacked(call, answer)
            text = _text(answer, content_type)
        if call.assertions and failure is None:
            failure = await self._asserted(call, answer, duration_ms)
        return Exchange(
            response_status=answer.status,
            response_headers=tuple(answer.headers) if answer.status is not None else (),
            response_body=text,
            response_truncated=answer.truncated,
            duration_ms=duration_ms,
            error_message=failure.message if failure else None,
            failure_reason=failure.reason if failure else None,
            started_at_ms=started_at_ms,
            executed_at_ms=started_at_ms + duration_ms,
            failure_stage=failure.stage if failure else None,
            sent=call if answer.is_asked_for else None,
            phases=phases_of(answer, began, ended, waited_seconds),
        )

    def _judged(self, call: Outgoing, answer: Answer, error: Exception | None) -> Failure | None:
        """An answer counts: its status decides, whatever happened after it."""
        if error is None and 200 <= (answer.status or 0) < 300:
            return None
        names = frozenset(name.lower() for name in call.headers)
        is_proxied = self._proxy is not None and call.url[:5].lower() == "http:"
        facts = RequestFacts(call.url, names, call.timeout_seconds, is_proxied)
        failure = failures.of_status(answer, facts) if answer.status is not None else None
        return failure or (failures.of_error(error, answer, facts) if error else None)

    async def _unpacked(self, call: Outgoing, answer: Answer) -> str:
        """Put what a packed body holds in its place, within its bound; the type of that."""
        body, content_type = answer.body, answer.content_type
        found = await self._aside.unpacked(call.team, bytes(body), answer.packed, answer.kept_bytes)
        if found.unread and not is_utf8(body):
            body[:] = f"[a body of {len(body)} bytes, packed as {found.unread[:40]}]".encode()
            content_type = ""
        elif not found.unread:
            body[:] = found.body
        answer.is_cut |= not found.is_whole
        answer.truncated |= not found.is_whole or len(found.body) > KEPT_BYTES
        return content_type

    async def _asserted(self, call: Outgoing, answer: Answer, duration_ms: int) -> Failure | None:
        body, is_whole = bytes(answer.body), not answer.is_cut
        answered = Answered(answer.status or 0, answer.headers, body, is_whole, duration_ms)
        why = await failed(call.assertions, answered, self._aside, call.team)
        return Failure(FailureReason.ASSERTION_FAILED, why) if why else None

    async def _exchange(self, call: Outgoing, answer: Answer, permit: Permit) -> None:
        """One request; once more only where a kept connection was lost and nothing can have been done."""
        pool = self._pool
        if pool is None:
            raise RuntimeError("the sender is not open")
        deadline = asyncio.get_running_loop().time() + call.timeout_seconds
        to = self._destination(call.url)
        request = written(call, to, self._proxy)
        is_idempotent = call.method in _IDEMPOTENT
        connection = pool.take(to.origin, may_repeat=is_idempotent)
        while True:
            is_kept = connection is not None
            answer.dialled = None
            if connection is None:
                answer.dialled = Dialled(permit.waited_seconds, is_first=not answer.is_asked_for)
                connection = await pool.dial(to, deadline, call.team, answer.dialled)
            if permit.is_limited and (waited := await _wait_for_turn(permit, connection, pool)):
                deadline += waited
                connection = pool.take(to.origin, may_repeat=is_idempotent)
                continue
            _check(permit, connection, pool)
            try:
                answer.is_asked_for, answer.address = True, connection.address
                return await connection.ask(request, answer, deadline, watched=is_kept and not is_idempotent)
            except ConnectionClosed:
                was_early = is_kept and not answer.begun
                if not (was_early and await _may_repeat(pool, connection, deadline, anyway=is_idempotent)):
                    raise
            finally:
                pool.keep(connection)
                if connection.evidence is not None:
                    connection.evidence.close()
            connection = None


def _modern_tls() -> ssl.SSLContext:
    """Debian's Python leaves the oldest version to a file of the system, which may name none."""
    context = ssl.create_default_context()
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    return context


def _text(answer: Answer, content_type: str) -> str:
    """What is shown of the body, which is UTF-8 from now on."""
    body = answer.body
    as_utf8(body, content_type, is_whole=not answer.truncated)
    if not answer.truncated:
        return body.decode("utf-8", "replace")
    return text_of(body[:KEPT_BYTES], is_whole=False)


async def _wait_for_turn(permit: Permit, connection: Connection, pool: Pool) -> float:
    """Seconds that the request waited, to ask again; at 0.0 it leaves now. Raises as the permit does."""
    try:
        seconds = await permit.wait_of()
    except BaseException:
        pool.put_back(connection)
        raise
    if seconds:
        pool.put_back(connection)
        await asyncio.sleep(seconds)
    return seconds


def _check(permit: Permit, connection: Connection, pool: Pool) -> None:
    try:
        permit.check()
    except BaseException:
        pool.put_back(connection)
        raise


async def _may_repeat(pool: Pool, connection: Connection, deadline: float, *, anyway: bool) -> bool:
    """Of a request that met the end of a kept connection: whether its target surely took no byte of it."""
    pool.note_early(connection.origin)
    evidence = connection.evidence
    return anyway or (evidence is not None and await evidence.shows_nothing_was_taken(deadline))
