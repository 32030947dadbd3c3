"""Hosts that are given a rest by a team."""

from typing import NamedTuple

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

_THROTTLE = Function("throttle_host")
_PROBE = Function("probe_host")
_UNTHROTTLE = Function("unthrottle_host")
_READ = Function("read_hosts")


class StoredHost(NamedTuple):
    """Moments in ms, 0 for none; so is a status."""

    host: str
    since: str
    ends: str
    back: str
    requests: str
    status: str
    why: str


async def throttle_host(
    redis: Redis,
    team: Team,
    *,
    host: str,
    wanted_ms: int,
    most_ms: int,
    is_silent: bool = False,
    status: int | None = None,
    ref: str = "",
    reason: str = "",
    facts: str = "",
    now_ms: int | None = None,
) -> None:
    """Leave the host alone for as long as it wants, `most_ms` at most; then one request at a time may try.

    `is_silent`: it did not ask for that, but answers nothing. `ref` (kind:id), `reason` and `facts` (JSON)
    are of what was refused, for the alert.
    """
    await _THROTTLE(
        redis,
        team.prefix,
        team=team.id,
        host=host,
        wanted_ms=wanted_ms,
        most_ms=most_ms,
        is_silent=is_silent,
        status=status,
        ref=ref,
        reason=reason,
        facts=facts,
        now_ms=now_ms,
    )


async def probe_host(redis: Redis, team: Team, *, host: str, alone_ms: int, now_ms: int | None = None) -> int:
    """0 if this request may find out whether the host is back, alone for so long; or ms to wait."""
    return int(await _PROBE(redis, team.prefix, team=team.id, host=host, alone_ms=alone_ms, now_ms=now_ms))


async def unthrottle_host(
    redis: Redis,
    team: Team,
    *,
    host: str,
    is_back: bool = True,
    requests: int = 1,
    status: int | None = None,
    now_ms: int | None = None,
) -> None:
    """The host is back; or so many more requests went to it since it is, which changes nothing else."""
    await _UNTHROTTLE(
        redis,
        team.prefix,
        team=team.id,
        host=host,
        is_back=is_back,
        requests=requests,
        status=status,
        now_ms=now_ms,
    )


async def read_hosts(redis: Redis, team: Team) -> tuple[int, list[StoredHost]]:
    """The present (ms), and the hosts that rest, or rested within two days."""
    now_ms, *rows = await _READ(redis, team.prefix, team=team.id)
    return int(now_ms), [StoredHost(*row) for row in rows]
