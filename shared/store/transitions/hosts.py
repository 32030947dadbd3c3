"""Hosts that are throttled for a team."""

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

_THROTTLE = Function("throttle_host")
_PROBE = Function("probe_host")
_UNTHROTTLE = Function("unthrottle_host")


async def throttle_host(
    redis: Redis,
    team: Team,
    *,
    host: str,
    wanted_ms: int,
    most_ms: int,
    ref: str = "",
    reason: str = "",
    facts: str = "",
    now_ms: int | None = None,
) -> None:
    """Leave the host alone for as long as it wants, `most_ms` at most; then one request at a time may try.

    `ref` (kind:id), `reason` and `facts` (JSON) are of what was refused, for the alert.
    """
    await _THROTTLE(
        redis,
        team.prefix,
        team=team.id,
        host=host,
        wanted_ms=wanted_ms,
        most_ms=most_ms,
        ref=ref,
        reason=reason,
        facts=facts,
        now_ms=now_ms,
    )


async def probe_host(redis: Redis, team: Team, *, host: str, alone_ms: int, now_ms: int | None = None) -> int:
    """0 if this request may find out whether the host is back, alone for so long; or ms to wait."""
    return int(await _PROBE(redis, team.prefix, team=team.id, host=host, alone_ms=alone_ms, now_ms=now_ms))


async def unthrottle_host(redis: Redis, team: Team, *, host: str) -> None:
    """The host is back."""
    await _UNTHROTTLE(redis, team.prefix, team=team.id, host=host)
