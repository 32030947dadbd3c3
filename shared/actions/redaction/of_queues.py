"""What is not kept of requests that are in queues already."""

from collections.abc import Iterable, Sequence

from redis.asyncio import Redis

from shared.actions.redaction import of_jobs
from shared.basics.redaction import Rules
from shared.store import keyspace
from shared.store.keyspace import Team

_FIELDS = ["redact", "redact_of_team"]
_AT_ONCE = 500


async def texts(redis: Redis, team: Team, queues: Iterable[str]) -> dict[str, str]:
    """Of each of these queues (ids) its rules and its team's, as the transitions compare them."""
    ids, found = list(dict.fromkeys(queues)), dict[str, str]()
    for start in range(0, len(ids), _AT_ONCE):
        batch = ids[start : start + _AT_ONCE]
        read = await _read(redis, team, batch)
        found |= {one: "\n".join(filter(None, of)) for one, of in zip(batch, read, strict=True)}
    return found


async def of_all(redis: Redis, team: Team, names: Sequence[str] | None) -> list[Rules]:
    """Those of queues by their names; None is all of the team."""
    known: dict[str, str] = await redis.hgetall(keyspace.queue_names(team))  # type: ignore[misc]
    wanted = known.values() if names is None else (known[name] for name in names if name in known)
    return [of_jobs.rules_in(text) for text in (await texts(redis, team, wanted)).values()]


async def _read(redis: Redis, team: Team, ids: Sequence[str]) -> list[list[str | None]]:
    async with redis.pipeline(transaction=False) as pipe:
        for one in ids:
            pipe.hmget(keyspace.queue(team, one), _FIELDS)
        return await pipe.execute()
