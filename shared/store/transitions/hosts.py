"""Hosts that asked a team for a rest."""

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

_HOLD = Function("hold_host")
_PROBE = Function("probe_host")
_FREE = Function("free_host")


async def hold_host(
    redis: Redis,
    team: Team,
    *,
    host: str,
    asked_ms: int,
    most_ms: int,
    ref: str = "",
    reason: str = "",
    facts: str = "",
    now_ms: int | None = None,
) -> None:
    """Leave the host alone for as long as it asked, `most_ms` at most; then one request at a time may try.

    `ref` (kind:id), `reason` and `facts` (JSON) are of what was refused, for the alert.
    """
    await _HOLD(
        redis,
        team.prefix,
        team=team.id,
        host=host,
        asked_ms=asked_ms,
        most_ms=most_ms,
        ref=ref,
        reason=reason,
        facts=facts,
        now_ms=now_ms,
    )


async def probe_host(redis: Redis, team: Team, *, host: str, alone_ms: int, now_ms: int | None = None) -> int:
    """0 if this request may find out whether the host is back, alone for so long; or ms to wait."""
    return int(await _PROBE(redis, team.prefix, team=team.id, host=host, alone_ms=alone_ms, now_ms=now_ms))


async def free_host(redis: Redis, team: Team, *, host: str) -> None:
    """The host is back."""
    await _FREE(redis, team.prefix, team=team.id, host=host)
