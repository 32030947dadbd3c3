"""Hosts that are given a rest by a team."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.basics.memory import MEBIBYTE, remembered
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

_THROTTLE = Function("throttle_host")
_PROBE = Function("probe_host")
_UNTHROTTLE = Function("unthrottle_host")
_READ = Function("read_hosts")
_NUMBER = "([0-9]{1,16})"
_KEPT = re.compile(rf"(?<![^\x1f])([^\x1f]+)\x1f{' '.join([_NUMBER] * 5)} ([^\s\x1f]+)(?![^\x1f])")
"""A host with its text, between separators: what is neither is passed over."""


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


async def read_hosts(redis: Redis, team: Team) -> tuple[int, Sequence[StoredHost]]:
    """The present (ms), and the hosts that rest, or rested within two days, as far as they can be read.

    Those whose rests began last come first.
    """
    now_ms, ahead_ms, text = await _READ(redis, team.prefix, team=team.id)
    rows, ahead = _rows(text), int(ahead_ms)
    return int(now_ms), [_moved(row, ahead) for row in rows] if ahead else rows


@remembered(4 * MEBIBYTE, per_byte=8)
def _rows(text: str) -> tuple[StoredHost, ...]:
    """By the moment that is vouched for: most are as they were when they were last read."""
    found = []
    for host, *numbers, why in _KEPT.findall(text):
        found.append(StoredHost._make((host, *map(int, numbers), why)))
    return tuple(sorted(found, key=lambda row: (-row.since, row.host)))


def _moved(row: StoredHost, by: int) -> StoredHost:
    return row._replace(**{name: at + by for name in ("since", "ends", "back") if (at := getattr(row, name))})
