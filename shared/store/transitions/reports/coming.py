"""What decides the fires to come of crons, as it is stored."""

from typing import NamedTuple, Self

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import SEPARATOR, Function

_READ_COMING = Function("read_coming")


class ComingCron(NamedTuple):
    """A cron; what it has not is empty."""

    name: str
    expression: str
    timezone: str
    offset: str
    """In s."""
    timing: str
    """JSON."""
    max_runs: str
    next_ms: str
    runs: str
    """None of one that may run for ever, or has no next fire."""
    id: str

    @classmethod
    def of(cls, text: str) -> Self:
        return cls(*text.rsplit(SEPARATOR, len(cls._fields) - 1))


async def read_coming(
    redis: Redis, team: Team, *, after: int, most: int, now_ms: int | None = None
) -> tuple[int, int, list[str]]:
    """Now (ms), the last of a team's active crons looked at (0 = all were), and texts of these."""
    now, last, texts = await _READ_COMING(
        redis, team.prefix, team=team.id, after=after, most=most, now_ms=now_ms
    )
    return now, last, texts


async def read_coming_of(
    redis: Redis, team: Team, cron: int, *, now_ms: int | None = None
) -> tuple[int, list[str]]:
    """Now (ms), and the text of that one, active or not, if there is one."""
    now, _, texts = await _READ_COMING(redis, team.prefix, [cron], team=team.id, now_ms=now_ms)
    return now, texts
