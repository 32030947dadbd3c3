"""Records together with the name of who probably made them: most are asked for by who made them."""

from collections.abc import Mapping
from typing import TypeVar

from redis.asyncio import Redis

from shared.store import connection, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Read

R = TypeVar("R")


async def read(redis: Redis, team: Team, what: Read[R], maker: str | None) -> tuple[R, Mapping[str, str]]:
    """What is read, and in the same trip what that maker is called now, if that could be read."""
    if maker:
        answer, names = await connection.exchange(
            redis, what.command, transitions.name_makers_command(team=team.id, codes=[maker])
        )
        if not transitions.is_missing(answer):
            if isinstance(answer, Exception):
                raise connection.translated(answer)
            known = {} if isinstance(names, Exception) else transitions.names_of([maker], names)
            return what.of(answer), known
    return await what.run(redis), {}
