"""What decides the fires to come of crons, as it is stored."""

from typing import NamedTuple

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

_READ_COMING = Function("read_coming")


class ComingCron(NamedTuple):
    """A cron; what it has not is None."""

    name: str | None
    next_ms: str | None
    expression: str
    timezone: str | None
    offset: str | None
    """In s."""
    timing: str | None
    """JSON."""
    max_runs: str | None
    runs: str | None
    id: str


async def read_coming(
    redis: Redis, team: Team, *, after: int, most: int, now_ms: int | None = None
) -> tuple[int, int, list[ComingCron]]:
    """Now (ms), the last of a team's active crons looked at (0 = all were), and these."""
    now, last, rows = await _READ_COMING(
        redis, team.prefix, team=team.id, after=after, most=most, now_ms=now_ms
    )
    return now, last, [ComingCron(*row) for row in rows]


async def read_coming_of(
    redis: Redis, team: Team, cron: int, *, now_ms: int | None = None
) -> tuple[int, ComingCron | None]:
    """Now (ms), and that one, active or not, if there is one."""
    now, _, rows = await _READ_COMING(redis, team.prefix, [cron], team=team.id, now_ms=now_ms)
    return now, ComingCron(*rows[0]) if rows else None
