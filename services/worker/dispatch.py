"""Sending a request, unless its host is given a rest: then it waits, and says for what."""

import asyncio
import time

from services.worker import throttles
from services.worker.circuits import is_silent
from services.worker.context import Context
from services.worker.http.egress import OF_A_TEAM, NoPlace
from services.worker.http.exchange import Exchange, unsent
from services.worker.http.failures import shown
from services.worker.http.outgoing import Outgoing
from services.worker.notices import discord
from services.worker.permits import NotPermitted, SendPermit
from services.worker.retry import LONGEST_NOTICE_WAIT_SECONDS
from services.worker.work import Notice, Postpone, Work
from shared.schemas.runs import FailureReason
from shared.security.destinations import Origin

LONGEST_HOST_WAIT_SECONDS = 300
"""How long an attempt waits for a silent host; then it fails unsent, so that chains end."""
PLACE_WAIT_SECONDS = 5.0
"""How long a request waits whose team has all of its look-ups under way: as long as one may take."""
SPREAD = 0.25
"""What waited for a host comes back over so much longer than it had to wait, not all at once."""


async def send(outgoing: Outgoing, work: Work, context: Context) -> Exchange | Postpone:
    """One request, or none and how much later to try; raises only NotPermitted or a cancellation."""
    host = context.sender.origin_of(outgoing.url)
    permit = SendPermit(work, context.redis)
    if host is None:
        return await context.sender.send(outgoing, permit)  # which says why nothing leaves
    # Looked up only where a host is throttled: the look-up costs as much as the rest of this.
    may_rest = work.of_team.throttled or work.of_team.busy or context.circuits
    if may_rest and (postponed := await _rest(work, host, context) or _silence(work, host, context)):
        return postponed
    try:
        exchange = await context.sender.send(outgoing, permit)
    except (asyncio.CancelledError, NotPermitted):
        context.circuits.give_up((work.team, host))
        raise
    except NoPlace:
        context.circuits.give_up((work.team, host))
        return _unresolved(work, host)
    exchange = discord.with_wait(exchange, host, outgoing.url)
    if exchange.failure_stage or context.circuits or _may_tell(exchange, work, context):
        await _note(exchange, work, host, context)
    return exchange


def _may_tell(exchange: Exchange, work: Work, context: Context) -> bool:
    return bool(exchange.response_status in throttles.BUSY or work.of_team.busy or context.rests)


async def _note(exchange: Exchange, work: Work, host: Origin, context: Context) -> None:
    """What this worker, and the team's others, learn of the host."""
    silent = is_silent(exchange)
    opened = context.circuits.note((work.team, host), time.monotonic(), silent=silent)
    if opened:
        await throttles.tell_silent(work, host, opened, context)
    if _may_tell(exchange, work, context):
        await throttles.note(exchange, work, host, context)


async def _rest(work: Work, host: Origin, context: Context) -> Postpone | None:
    """The host is throttled for the team.

    A notice waits for some minutes of it before its first attempt; a retry has waited all of it already.
    """
    is_notice = isinstance(work, Notice)
    if is_notice and work.attempt > 1:
        return None
    seconds = await throttles.wait_of(work, host, context.redis)
    if seconds > 0:
        context.rests.begin((work.team, host), work.now_ms + round(seconds * 1000))
    if is_notice:
        waited = (work.now_ms - work.held_since_ms) / 1000 if work.held_since_ms else 0.0
        seconds = min(seconds, LONGEST_NOTICE_WAIT_SECONDS - waited)
    if seconds <= 0:
        return None
    return Postpone(_spread(work, seconds), throttles.why(work, host), is_counted=is_notice)


def _silence(work: Work, host: Origin, context: Context) -> Postpone | Exchange | None:
    """The host has left so many requests unanswered that it is tried by one at a time."""
    wait = context.circuits.wait_of((work.team, host), time.monotonic())
    if not wait:
        return None
    failures = context.circuits.failures_of((work.team, host))
    said = f"{shown(host)} has left {failures} requests in a row without an answer"
    if _has_waited(work):
        return unsent(FailureReason.CONNECTION_ERROR, f"{said}; this one was not sent.", work.now_ms)
    return Postpone(_spread(work, wait), f"{said}; it is being tried by one at a time.", is_counted=True)


def _unresolved(work: Work, host: Origin) -> Postpone | Exchange:
    """The team's names that are being looked up take all of its places."""
    said = f"{host.host} was not looked up, for the team has {OF_A_TEAM} look-ups under way"
    if _has_waited(work):
        return unsent(FailureReason.DNS_ERROR, f"{said}; this one was not sent.", work.now_ms)
    return Postpone(_spread(work, PLACE_WAIT_SECONDS), f"{said}.", is_counted=True)


def _has_waited(work: Work) -> bool:
    return bool(work.held_since_ms) and work.now_ms - work.held_since_ms > LONGEST_HOST_WAIT_SECONDS * 1000


def _spread(work: Work, seconds: float) -> float:
    return seconds * (1 + SPREAD * (work.id % 64) / 64)
