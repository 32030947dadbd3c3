"""Hosts that are given a rest by a team."""

import re
from typing import NamedTuple

from redis.asyncio import Redis

from shared.basics.memory import MEBIBYTE, remembered
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

_THROTTLE = Function("throttle_host")
_PROBE = Function("probe_host")
_UNTHROTTLE = Function("unthrottle_host")
_READ = Function("read_hosts")
_KEPT = re.compile(r"([0-9]{1,16}) ([0-9]{1,16}) ([0-9]{1,16}) ([0-9]{1,16}) ([0-9]{1,16}) (\S+)")


class StoredHost(NamedTuple):
    """Moments in ms, 0 for none; so is a status."""

    host: str
    since: int
    ends: int
    back: int
    requests: int
    status: int
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
    """The present (ms), and the hosts that rest, or rested within two days, as far as they can be read."""
    now_ms, ahead_ms, flat = await _READ(redis, team.prefix, team=team.id)
    ahead, rows = int(ahead_ms), list[StoredHost]()
    for host, text in zip(flat[::2], flat[1::2], strict=True):
        if its := _kept(text):
            since, ends, back = (at and at + ahead for at in its[:3])
            rows.append(StoredHost(host, since, ends, back, *its[3:]))
    return int(now_ms), rows


@remembered(2 * MEBIBYTE)
def _kept(text: str) -> tuple[int, int, int, int, int, str] | None:
    """Of a host what stands behind its name in `StoredHost`; moments by the one that is vouched for."""
    if not (found := _KEPT.fullmatch(text)):
        return None
    since, ends, back, requests, status = map(int, found.groups()[:-1])
    return since, ends, back, requests, status, found[6]
