"""Check every key of a shard: whether it has its type, and whether its content can be read."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from redis.asyncio import Redis

from shared.actions import alerts, crons, dead_letters, executions, jobs, queues
from shared.actions.bulk import background
from shared.actions.reports import backfills
from shared.errors import Damaged, NotFound
from shared.schemas.kinds import Kind
from shared.store import keyspace
from shared.store.care import damage, reconcile
from shared.store.keyspace import Team

COUNT = 500
COUNTS = ("ids", "ledger")
"""Hashes in which all values are whole numbers."""

REPAIRED = "repaired"
"""For work that was not started or listed and now is again: there is nothing left to do."""

Problem = str | None
Look = Callable[[Redis, Team, int], Awaitable[Problem]]


async def inspect(redis: Redis, shard: str) -> AsyncIterator[tuple[str, str]]:
    """The damaged keys by name below the prefix, with what is wrong; rows that lists lost are put back."""
    prefix, cursor = keyspace.prefix(shard), 0
    while True:
        cursor, keys = await redis.scan(cursor, match=f"{prefix}*", count=COUNT)
        names = [key.removeprefix(prefix) for key in keys]
        async for found in _of_types(redis, prefix, names):
            yield found
        for team, kind, ids in _records(names):
            async for found in _of_records(redis, Team(team, shard), kind, ids):
                yield found
        if not cursor:
            return


async def _of_types(redis: Redis, prefix: str, names: Sequence[str]) -> AsyncIterator[tuple[str, str]]:
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.type(prefix + name)
        types = await pipe.execute()
    for name, found in zip(names, types, strict=True):
        wanted = damage.TYPES.get(name.partition(":")[0])
        if name.startswith("aside:"):
            yield name, "it was of a wrong type and put aside; look at it and delete it"
        elif wanted and found not in (wanted, "none"):
            yield name, f"it is a {found} and should be a {wanted}"
        elif name.startswith(COUNTS):
            values = await redis.hgetall(prefix + name)  # type: ignore[misc]
            wrong = [field for field, value in values.items() if not value.lstrip("-").isdecimal()]
            if wrong:
                yield name, f"{', '.join(wrong)} is no number"


def _records(names: Sequence[str]) -> list[tuple[int, str, list[int]]]:
    """Team, kind and ids of the records among the keys."""
    found = defaultdict[tuple[int, str], list[int]](list)
    for name in names:
        kind, *numbers = name.split(":")
        if kind in LOOKS and len(numbers) == 2 and all(number.isdecimal() for number in numbers):
            found[int(numbers[0]), kind].append(int(numbers[1]))
    return [(team, kind, ids) for (team, kind), ids in found.items()]


async def _of_records(
    redis: Redis, team: Team, kind: str, ids: Sequence[int]
) -> AsyncIterator[tuple[str, str]]:
    for one in ids:
        try:
            problem = await LOOKS[kind](redis, team, one)
        except NotFound:
            continue
        except Damaged as error:
            problem = str(error)
        if problem:
            yield f"{kind}:{team.id}:{one}", problem
    if kind in (Kind.JOB, Kind.EXECUTION):
        for ref in await reconcile.relist(redis, team, kind, ids):
            yield f"{kind}:{team.id}:{ref.partition(':')[2]}", REPAIRED


async def _job(redis: Redis, team: Team, job_id: int) -> Problem:
    return (await jobs.get(redis, team, job_id)).problem


async def _cron(redis: Redis, team: Team, cron_id: int) -> Problem:
    return (await crons.get(redis, team, cron_id)).problem


async def _queue(redis: Redis, team: Team, queue_id: int) -> Problem:
    return (await queues.get(redis, team, queue_id)).problem


async def _execution(redis: Redis, team: Team, execution_id: int) -> Problem:
    cron = await redis.hget(f"{team.prefix}{Kind.EXECUTION}:{team.id}:{execution_id}", "cron")  # type: ignore[misc]
    if not (cron or "").isdecimal():
        return "it says of no cron that it is its"
    await executions.get(redis, team, int(cron), execution_id)
    return None


async def _alert(redis: Redis, team: Team, alert_id: int) -> Problem:
    await alerts.get(redis, team, alert_id)
    return None


async def _replay(redis: Redis, team: Team, replay_id: int) -> Problem:
    await dead_letters.get_replay(redis, team, replay_id)
    return None


async def _backfill(redis: Redis, team: Team, backfill_id: int) -> Problem:
    await backfills.get(redis, team, backfill_id)
    return None


async def _bulk(redis: Redis, team: Team, bulk_id: int) -> Problem:
    await background.get(redis, team, bulk_id)
    return None


async def _notice(redis: Redis, team: Team, notice_id: int) -> Problem:
    fields = await redis.hgetall(f"{team.prefix}{Kind.NOTICE}:{team.id}:{notice_id}")  # type: ignore[misc]
    lost = [name for name in ("subject", "name", "state", "queue") if not fields.get(name)]
    return f"its {', '.join(lost)} is lost" if fields and lost else None


LOOKS: Mapping[str, Look] = {
    Kind.JOB: _job,
    Kind.CRON: _cron,
    Kind.QUEUE: _queue,
    Kind.EXECUTION: _execution,
    Kind.ALERT: _alert,
    Kind.NOTICE: _notice,
    Kind.REPLAY: _replay,
    Kind.BACKFILL: _backfill,
    Kind.BULK: _bulk,
}
