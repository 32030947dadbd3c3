"""Sending a request, unless its host is given a rest: then it waits, and says for what."""

import asyncio
import time
from datetime import UTC, datetime

import structlog

from services.worker import discord
from services.worker.delivery import Exchange, Outgoing, unsent
from services.worker.departure import Departure, Withheld
from services.worker.failures import shown
from services.worker.hosts import is_silent
from services.worker.reach import Reach
from services.worker.retry import LONGEST_NOTICE_WAIT_SECONDS, asked_wait
from services.worker.work import Postpone, Work
from shared import keyspace, scripts
from shared.addresses import Origin
from shared.errors import Damaged
from shared.schemas.runs import FailureReason
from shared.store import AWAY

LONGEST_HELD_SECONDS = 300
"""How long an attempt is held back for a silent host; then it fails unsent, so that chains end."""
LONGEST_REST_SECONDS = 3600
"""Of what a host may ask for with `Retry-After`; the retry of who was told so may wait for longer."""
SPREAD = 0.25
"""What waited for a host comes back over so much longer than it had to wait, not all at once."""
_BUSY = frozenset((429, 503))

log = structlog.get_logger()


async def send(outgoing: Outgoing, work: Work, reach: Reach) -> Exchange | Postpone:
    """One request, or none and how much later to try; raises Withheld or a cancellation, and nothing else."""
    outgoing = outgoing._replace(team=work.team)
    host = reach.sender.origin_of(outgoing.url)
    if host is None:
        return await reach.sender.send(outgoing, Departure(work))  # which says why nothing leaves
    if held_back := _rest(work, host) or _silence(work, host, reach):
        return held_back
    try:
        exchange = await reach.sender.send(outgoing, Departure(work))
    except (asyncio.CancelledError, Withheld):
        reach.hosts.give_up((work.team, host))
        raise
    exchange = discord.with_wait(exchange, host, outgoing.url)
    reach.hosts.note((work.team, host), time.monotonic(), silent=is_silent(exchange))
    if exchange.response_status in _BUSY and (seconds := min(asked_wait(exchange), LONGEST_REST_SECONDS)):
        await _hold(work, host, seconds, reach)
    return exchange


def _rest(work: Work, host: Origin) -> Postpone | None:
    """The host asked the team for a rest that is not over.

    A notice waits for some minutes of it before its first attempt; a retry has waited for what it was told.
    """
    until_ms, is_notice = work.holds.get(_named(host), 0), work.kind == "n"
    seconds = (until_ms - work.now_ms) / 1000
    if is_notice:
        held = (work.now_ms - work.held_since_ms) / 1000 if work.held_since_ms else 0.0
        seconds = min(seconds, LONGEST_NOTICE_WAIT_SECONDS - held)
    if seconds <= 0 or (is_notice and work.attempt > 1):
        return None
    why = f"{shown(host)} answered that it is busy until {_moment(until_ms / 1000)}."
    return Postpone(_spread(work, seconds), why, is_counted=is_notice)


def _silence(work: Work, host: Origin, reach: Reach) -> Postpone | Exchange | None:
    """The host has left so many requests unanswered that it is tried by one at a time."""
    wait = reach.hosts.wait_of((work.team, host), time.monotonic())
    if not wait:
        return None
    failures = reach.hosts.failures_of((work.team, host))
    said = f"{shown(host)} has left {failures} requests in a row without an answer"
    if work.held_since_ms and work.now_ms - work.held_since_ms > LONGEST_HELD_SECONDS * 1000:
        return unsent(FailureReason.CONNECTION_ERROR, f"{said}; this one was not sent.", work.now_ms)
    return Postpone(_spread(work, wait), f"{said}; it is being tried by one at a time.", is_counted=True)


def _spread(work: Work, seconds: float) -> float:
    return seconds * (1 + SPREAD * (work.id % 64) / 64)


async def _hold(work: Work, host: Origin, seconds: int, reach: Reach) -> None:
    """Tell the team's other workers, as far as that is possible."""
    team = keyspace.Team(work.team, work.shard)
    try:
        await scripts.hold_host(reach.redis, team.prefix, team.id, _named(host), seconds * 1000, "")
    except (Damaged, *AWAY) as error:
        log.warning("redis_away", error=repr(error))


def _named(host: Origin) -> str:
    return f"{host.host}:{host.port}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
