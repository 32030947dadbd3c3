"""What a shard goes on with: who lives, how much memory there is, what was lost and can be mended."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from shared.store.transitions.retention import Looked

_SAY_ALIVE = Function("say_alive")
_NOTE_MEMORY = Function("note_memory")
_MEND = Function("mend")
_MEND_QUEUES = Function("mend_queues")
_TIDY = Function("tidy")
_FIND_OWNERS = Function("find_owners")
_RECOUNT = Function("recount")
_COUNT_ENDED = Function("count_ended")


async def say_alive(
    redis: Redis,
    shard: str,
    *,
    member: str,
    valid_ms: int,
    trouble: str | None = None,
    now_ms: int | None = None,
) -> None:
    """Say that a process (service:host:pid) lives, and what it cannot go on with; others' time runs out."""
    prefix = keyspace.prefix(shard)
    await _SAY_ALIVE(redis, prefix, member=member, valid_ms=valid_ms, trouble=trouble, now_ms=now_ms)


async def note_memory(
    redis: Redis, shard: str, *, level: int, valid_ms: int, now_ms: int | None = None
) -> int:
    """Note how short of memory Redis is (0 = there is room); the level before, if that was still valid."""
    before = await _NOTE_MEMORY(redis, keyspace.prefix(shard), level=level, valid_ms=valid_ms, now_ms=now_ms)
    return int(before)


async def mend_shard(redis: Redis, shard: str) -> list[str]:
    """Put keys of a wrong type aside that all teams share; their names."""
    return list(await _MEND(redis, keyspace.prefix(shard), team=None))


async def mend_team(redis: Redis, team: Team) -> list[str]:
    """The same for what the records of a team share, and its counters; their names."""
    return list(await _MEND(redis, team.prefix, team=team.id))


async def mend_queues(redis: Redis, team: Team, *, settings: str, after: int, limit: int) -> Looked:
    """Look at so many queues, and make lost records anew with these settings (JSON); the ids of those."""
    mended = await _MEND_QUEUES(redis, team.prefix, team=team.id, settings=settings, after=after, limit=limit)
    return Looked(*mended)


async def tidy(redis: Redis, shard: str, *, stream: str, idle_ms: int) -> int:
    """Forget consumers of a stream that have been idle for so long and have nothing pending; how many."""
    return int(await _TIDY(redis, keyspace.prefix(shard), stream=stream, idle_ms=idle_ms))


async def find_owners(
    redis: Redis, team: Team, states: Sequence[str], *, kind: str, index: str, after: int, limit: int
) -> Looked:
    """Look at so many queues (kind q) or crons (c) in an index for those with rows in some of the states."""
    found = await _FIND_OWNERS(
        redis, team.prefix, states, team=team.id, kind=kind, index=index, after=after, limit=limit
    )
    return Looked(*found)


async def recount(redis: Redis, team: Team, *, noun: str, repair: bool) -> list[tuple[str, int, int]]:
    """Recount `job` or `execution` of a ledger from the indexes, and with `repair` set it to that.

    What differed: column, as the ledger had it, as counted.
    """
    rows = await _RECOUNT(redis, team.prefix, team=team.id, noun=noun, repair=repair)
    return [(column, posted, counted) for column, posted, counted in rows]


async def count_ended(
    redis: Redis, team: Team, *, kind: str, index: str, after: int, most: int, since_ms: int
) -> tuple[int, int]:
    """The last of so many ids looked at (0 = all were), and how many of them were due since that moment."""
    last, found = await _COUNT_ENDED(
        redis,
        team.prefix,
        team=team.id,
        kind=kind,
        index=index,
        after=after,
        most=most,
        since_ms=since_ms,
    )
    return int(last), int(found)
