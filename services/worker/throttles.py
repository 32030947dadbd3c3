"""Pauses that hosts ask for with `Retry-After`: kept in Redis, for all of a team's workers and queues.

A host may be shared by all that a team does, and mean only one of its jobs. So the team leaves it alone for
some minutes at most; for the rest of what it asked for, one request at a time finds out whether it is back.
"""

from datetime import UTC, datetime

import structlog
from pydantic_core import to_json
from redis.asyncio import Redis

from services.worker import circuits
from services.worker.context import Context
from services.worker.http.exchange import Exchange
from services.worker.http.failures import shown
from services.worker.retry import retry_after_seconds
from services.worker.work import Work
from shared.clock import elapsed
from shared.errors import Damaged
from shared.security.destinations import Origin
from shared.store import keyspace, transitions
from shared.store.connection import AWAY

LONGEST_SECONDS = 300
"""Of what a host may ask of the whole team; the retry of the job that got that answer waits for all of it."""
PROBE_SECONDS = 15
"""How long one request may take to find out whether a host is back before another may."""
BUSY = frozenset((429, 503))

log = structlog.get_logger()


async def wait_of(work: Work, host: Origin, redis: Redis) -> float:
    """Seconds for which nothing is sent to the host; 0.0 lets this one leave, perhaps to find out for all."""
    if not work.of_team.throttled and not work.of_team.busy:
        return 0.0
    seconds = (work.of_team.throttled.get(_named(host), 0) - work.now_ms) / 1000
    if seconds > 0 or not _is_busy(work, host):
        return max(seconds, 0.0)
    team = keyspace.Team(work.team, work.shard)
    try:
        wait_ms = await transitions.probe_host(redis, team, host=_named(host), alone_ms=PROBE_SECONDS * 1000)
    except Damaged as error:  # no host is throttled by what nobody can read
        log.error("rests_damaged", team=work.team, error=str(error))
        return 0.0
    return min(wait_ms / 1000, PROBE_SECONDS)


def why(work: Work, host: Origin) -> str:
    """What work that is left waiting waits for."""
    until_ms, busy_ms = work.of_team.throttled.get(_named(host), 0), work.of_team.busy.get(_named(host), 0)
    said = f"{shown(host)} answered that it is busy until {_moment(max(until_ms, busy_ms))}"
    if busy_ms <= until_ms:
        return f"{said}."
    if until_ms <= work.now_ms:
        return f"{said}; one request at a time finds out whether it is back."
    return f"{said}; from {_moment(until_ms)} on one request at a time finds out whether it is back."


async def tell_silent(work: Work, host: Origin, seconds: float, context: Context) -> None:
    """This worker leaves the host alone for so long, which the team is shown; others find out themselves."""
    context.rests.begin((work.team, host), is_silent=True)
    team, rest_ms = keyspace.Team(work.team, work.shard), round(seconds * 1000)
    try:
        await transitions.throttle_host(
            context.redis, team, host=_named(host), wanted_ms=rest_ms, most_ms=rest_ms, is_silent=True
        )
    except (Damaged, *AWAY) as error:
        log.warning("redis_away", error=repr(error))


async def note(exchange: Exchange, work: Work, host: Origin, context: Context) -> None:
    """Tell the team's other workers what the answer means for them, as far as that is possible."""
    is_busy = exchange.response_status in BUSY
    wanted = retry_after_seconds(exchange) if is_busy else 0
    if is_busy and not wanted and _is_busy(work, host):
        wanted = (work.of_team.busy[_named(host)] - work.now_ms) // 1000  # as it had said before
    try:
        if wanted:
            await _throttle(exchange, work, host, wanted, context)
        elif _is_back(exchange, is_silent=context.rests.is_silent((work.team, host))):
            await _tell_answer(exchange, work, host, context)
    except (Damaged, *AWAY) as error:
        log.warning("redis_away", error=repr(error))


async def _tell_answer(exchange: Exchange, work: Work, host: Origin, context: Context) -> None:
    key, now = (work.team, host), elapsed()
    if _is_busy(work, host) and not context.rests.was_back(key, work.claimed_at):
        context.rests.begin_anew(key)
    told = context.rests.answered(key, now, work.now_ms)
    if told is None:
        return
    await transitions.unthrottle_host(
        context.redis,
        keyspace.Team(work.team, work.shard),
        host=_named(host),
        is_back=told.is_back,
        requests=told.requests,
        status=exchange.response_status,
    )
    if told.is_back:
        log.info("host_back", team=work.team, host=_named(host))


async def _throttle(exchange: Exchange, work: Work, host: Origin, wanted: int, context: Context) -> None:
    team, seconds = keyspace.Team(work.team, work.shard), min(wanted, LONGEST_SECONDS)
    reason = f"{exchange.failure_reason} {exchange.response_status}"
    facts = _facts(exchange, work.now_ms, wanted)
    context.rests.begin((work.team, host), work.now_ms + seconds * 1000)
    await transitions.throttle_host(
        context.redis,
        team,
        host=_named(host),
        status=exchange.response_status,
        ref=work.ref,
        reason=reason,
        facts=facts,
        wanted_ms=wanted * 1000,
        most_ms=seconds * 1000,
    )
    if wanted > seconds:
        log.warning(
            "host_throttled",
            team=work.team,
            host=_named(host),
            work=work.key,
            wanted_seconds=wanted,
            seconds=seconds,
        )


def _facts(exchange: Exchange, now_ms: int, wanted: int) -> str:
    """For the alert (`AlertData`): what was answered, and what that means for the rest of the team's work."""
    until = _moment(now_ms + wanted * 1000)
    sentence = (
        f"it answered with status {exchange.response_status} that it is busy until {until}; "
        f"what the team has for it waits {LONGEST_SECONDS // 60} min, "
        "then one request at a time finds out whether it is back."
    )
    facts = {
        "response_status": exchange.response_status,
        "failure_reason": exchange.failure_reason,
        "error_message": sentence,
    }
    return to_json(facts).decode()


def _is_back(exchange: Exchange, *, is_silent: bool) -> bool:
    """It answered; after a pause it asked for, not as who is overloaded or stands before somebody gone."""
    status = exchange.response_status
    if is_silent:
        return not circuits.is_silent(exchange)
    return status is not None and status < 500 and status not in BUSY


def _is_busy(work: Work, host: Origin) -> bool:
    return work.of_team.busy.get(_named(host), 0) > work.now_ms


def _named(host: Origin) -> str:
    return f"{host.host}:{host.port}"


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat(timespec="seconds")
