"""/ping/{key}, without a token: the key says for which heartbeat.

No operations: nobody is known, any body is taken as text, and a GET writes.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.api.answers import replayed
from services.api.requests import beginning_of, key_of, key_text_of
from services.api.routing import at
from shared.actions import pings
from shared.actions.pings import MOST_EXIT_STATUS, SAID_CHARACTERS, Kind, Noted, Ping
from shared.errors import NotFound

_TEXT_BYTES = 4 * SAID_CHARACTERS
"""As many as the characters that are kept may take in UTF-8."""


async def ping(request: Request) -> Response:
    """What is in the body is kept with the run, as far as it is text."""
    return await _noted(request, partial(Ping, Kind.COMPLETE))


async def fail(request: Request) -> Response:
    return await _noted(request, partial(Ping, Kind.FAIL))


async def start(request: Request) -> Response:
    return await _noted(request, partial(Ping, Kind.START))


async def note(request: Request) -> Response:
    return await _noted(request, partial(Ping, Kind.LOG))


async def end(request: Request) -> Response:
    """As a shell has it: `curl …/ping/KEY/$?`."""
    status: int = request.path_params["exit_status"]
    if status > MOST_EXIT_STATUS:
        raise NotFound("Ping key")
    return await _noted(request, partial(pings.exit_ping, status))


async def _noted(request: Request, saying: Callable[[str], Ping]) -> Response:
    key = request.path_params["key"]
    team = pings.team_of(key)
    text, digest = await beginning_of(request, _TEXT_BYTES)
    once = key_of(request, team, key_text_of(request), "", text, *([digest] if digest else ()))
    if once:
        once.text = f"{key} {once.text}"  # nobody without a token learns what keys the team has used
    said = saying(text)
    noted = await pings.ping(request.state.redis, key, said, once=once)
    note = _note_of(noted) if said.kind == Kind.COMPLETE else ""
    return replayed(JSONResponse({"ok": True, **({"note": note} if note else {})}), once)


def _note_of(noted: Noted) -> str:
    """Of one that ended nothing: whether it came early, and for what; silent where it ended a fire."""
    if noted.counts_for:
        return f"It came early, and counts for the fire of {_iso(noted.counts_for)}."
    if noted.next_fire and noted.takes_pings_from:
        return (
            f"No fire waits for it. The next one is due at {_iso(noted.next_fire)}, and a ping counts for it "
            f"from {_iso(noted.takes_pings_from)} on."
        )
    return ""


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


routes = [
    at("/ping/{key}", look="/api/crons", GET=ping, POST=ping),
    at("/ping/{key}/fail", look="/api/crons", GET=fail, POST=fail),
    at("/ping/{key}/start", look="/api/crons", GET=start, POST=start),
    at("/ping/{key}/log", look="/api/crons", GET=note, POST=note),
    at("/ping/{key}/{exit_status:int}", look="/api/crons", GET=end, POST=end),
]
