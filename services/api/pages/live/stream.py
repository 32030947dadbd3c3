"""The stream of a live page: its parts that changed, until the page is left or the session ends."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from services.api.pages import zones
from services.api.pages.endpoint import page
from services.api.pages.live import pages
from services.api.pages.live.pages import Look
from services.api.pages.live.views import Made, View, Views
from services.api.pages.rendering import HEADERS
from services.api.pages.visits import Visit
from shared.errors import NotFound, RecuroError
from shared.schemas.accounts.sessions import TeamOfUser
from shared.security.sessions import Signed
from shared.security.tokens import CACHE_SECONDS
from shared.store.connection import AWAY
from shared.store.gathered import Gathered

PATH = "/t/{team}/live"
MOST_OF_A_SESSION = 4
"""Streams: those of windows that are seen together, of the 6 connections that browsers open over HTTP/1.1."""
MOST_SHARE = 0.5
"""Of the connections that a process takes, how many may be streams."""
CHECK_SECONDS = 1.0
MOST_CHARACTERS = 2000
_RETRY = "retry: 3000\n\n"


@dataclass(frozen=True, slots=True)
class Shared(Visit):
    """A visit for all who look at the same: of a member of that role, whose own things it has not."""

    of: Signed = field(kw_only=True)

    async def signed(self) -> Signed:
        return self.of

    async def in_team(self) -> Signed:
        return self.of

    async def teams(self, signed: Signed) -> list[TeamOfUser]:
        return []


class _Closed(StreamingResponse):
    """Closes what it sends, wherever the reader left it."""

    async def stream_response(self, send: Send) -> None:
        async with aclosing(cast(AsyncGenerator[str], self.body_iterator)):
            await super().stream_response(send)


class Streams:
    """How many there are, in all and by session; and what they show."""

    def __init__(self, views: Views, most: int) -> None:
        self.views = views
        self._most = int(most * MOST_SHARE)
        self.of_session: Counter[str] = Counter()

    def has_room(self, session: str) -> bool:
        return self.of_session.total() < self._most and self.of_session[session] < MOST_OF_A_SESSION


async def live(visit: Visit) -> Response:
    """Raises NotFound for a page that is not live."""
    signed = await visit.in_team()
    path, _, query = visit.request.query_params.get("page", "").partition("?")
    looked = _shared(visit, signed, path, query)
    if looked is None:
        raise NotFound("Page")
    headers = {**HEADERS, "X-Accel-Buffering": "no"}
    return _Closed(_sent(visit, signed, *looked), 200, headers, "text/event-stream")


def _shared(visit: Visit, signed: Signed, path: str, query: str) -> tuple[Shared, Look] | None:
    if not signed.team or len(path) + len(query) > MOST_CHARACTERS:
        return None
    found = pages.looked(path, signed.team.id)
    if found is None:
        return None
    params, look = found
    scope = {
        **visit.request.scope,
        "path": unquote(path),
        "query_string": query.encode(),
        "path_params": params,
        "method": "GET",
    }
    return Shared(Request(scope), visit.having, visit.visitor, of=signed), look


async def _sent(visit: Visit, signed: Signed, shared: Shared, look: Look) -> AsyncIterator[str]:
    streams: Streams = visit.request.state.streams
    assert signed.team
    if not streams.has_room(signed.session):
        yield event("full", "")
        return
    streams.of_session[signed.session] += 1

    async def make() -> Made:
        gathered = Gathered.of(visit.having.redis)
        made = await look(replace(shared, having=replace(shared.having, redis=gathered)))
        return Made(bytes(made.body).decode(), gathered.trips)

    # Who sees the same: the page, by the same clock, as the same address, and with the same buttons.
    key = (signed.team.id, zones.here(shared), zones.zone_of(shared), shared.address, signed.role)
    try:
        async with streams.views.reading(signed.team, key, make) as view:
            yield _RETRY
            async for one in _events(visit, signed, view):
                yield one
    finally:
        streams.of_session[signed.session] -= 1
        streams.of_session += Counter()  # without those of none


async def _events(visit: Visit, signed: Signed, view: View) -> AsyncIterator[str]:
    """What changed, once it changed; and why the stream ends."""
    permit, sent = _Permit(visit, signed), dict[str, str]()
    while not visit.request.state.waits.is_stopping:
        if view.is_over or not await permit.holds():
            yield event("gone" if view.is_over else "over", "")
            return
        made, parts = view.made, view.parts
        changed = {name: text for name, text in parts.items() if sent.get(name) != text}
        if changed:
            sent.update(changed)
            yield "".join(event(*one) for one in changed.items())
        with suppress(TimeoutError):
            await asyncio.wait_for(made.wait(), CHECK_SECONDS)


@dataclass(slots=True)
class _Permit:
    """Of a stream: its session goes on, and its user has that role in that team still."""

    visit: Visit
    signed: Signed
    until: float = 0.0

    async def holds(self) -> bool:
        try:
            now = await self.visit.signed()
            if now.team == self.signed.team:
                return now.role == self.signed.role
            if time.monotonic() < self.until:
                return True
            roles = {one.id: one.role for one in await self.visit.teams(now)}
        except AWAY:  # Redis; what is shown stays, and says of when it is
            return True
        except RecuroError:
            return False
        self.until = time.monotonic() + CACHE_SECONDS
        return self.signed.team is not None and roles.get(self.signed.team.id) == self.signed.role


def event(name: str, text: str) -> str:
    """An event as the browser reads it."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n"


routes = [page(PATH, live)]
