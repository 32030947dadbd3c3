"""Records as transitions bring them, and what of them is still open."""

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.transitions.functions import Function, flat

_READ_ENDS = Function("read_ends")


class StoredRecord(NamedTuple):
    """A record as it is stored: its fields are name, value, …"""

    id: str
    fields: Sequence[str]


class Awaited(NamedTuple):
    """A job (kind `j`), by any id of its chain, or an execution (`e`) whose end somebody waits for."""

    team: int
    kind: str
    id: int


async def read_ends(redis: Redis, shard: str, awaited: Sequence[Awaited]) -> list[str]:
    """What is open of each, as events name it (`j:5`); nothing of what has ended or is not there."""
    found: list[str] = await _READ_ENDS(redis, keyspace.prefix(shard), flat(awaited))
    return found
