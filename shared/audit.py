"""Holding records, indexes, streams and ledger against each other; what the records prove is mended."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from redis.asyncio import Redis

from shared import keyspace, scripts
from shared.keyspace import Team

STEP = 200
"""Rows a script: it looks at each row's record, stream entry and indexes."""
OPEN = ("pending", "processing")
ENDED = {"j": ("completed", "failed", "retrying", "dead_lettered"), "e": ("completed", "failed", "skipped")}


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a patrol looked at and mended; `mended` are `j:<job>` or `e:<execution>`."""

    team: int
    index: str
    mended: tuple[str, ...]
    is_full: bool
    """There is more of this index to walk over."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A column of a team's ledger that was not what the indexes hold."""

    team: int
    noun: str
    column: str
    posted: int
    counted: int


async def teams(redis: Redis, shard: str) -> list[Team]:
    """The teams that have a queue or a cron in the shard."""
    found = await redis.smembers(keyspace.teams_in(shard))  # type: ignore[misc]
    return [Team(number, shard) for number in sorted(int(one) for one in found if one.isdecimal())]


async def owners(redis: Redis, team: Team) -> AsyncIterator[str]:
    """`q<queue>` and `c<cron>` of all of a team's queues and crons."""
    for mark, index in (("q", "queues"), ("c", "crons:active"), ("c", "crons:paused")):
        for owner in await redis.zrange(f"{team.prefix}x:{team.id}:{index}", 0, -1):
            yield f"{mark}{owner}"


async def patrol(
    redis: Redis, team: Team, *, whole: bool = False, now: int | None = None
) -> AsyncIterator[Step]:
    """Walk over what is pending or processing, or with `whole` over everything, step by step.

    Work that nothing would start any more goes back into its stream or among the due.
    """
    for kind, state, index in [walk async for walk in _walks(redis, team, whole)]:
        after = 0
        while True:
            after, mended = await scripts.patrol(
                redis, team.prefix, "" if now is None else now, team.id, kind, index, state, after, STEP
            )
            yield Step(team.id, index, tuple(mended), is_full=bool(after))
            if not after:
                break


async def patrol_crons(redis: Redis, team: Team) -> list[int]:
    """Put crons back that are to fire and that the clock's list has lost; their ids."""
    after, found = 0, list[int]()
    while True:
        after, mended = await scripts.patrol_crons(redis, team.prefix, team.id, after, STEP)
        found += map(int, mended)
        if not after:
            return found


async def recount(redis: Redis, team: Team, *, repair: bool) -> list[Difference]:
    """Where the ledger differs from a count of the indexes at one instant; `repair` sets it to that."""
    found = []
    for noun in ("job", "execution"):
        rows = await scripts.audit(redis, team.prefix, team.id, noun, int(repair))
        found += [
            Difference(team.id, noun, column, int(posted), int(counted)) for column, posted, counted in rows
        ]
    return found


async def _walks(redis: Redis, team: Team, whole: bool) -> AsyncIterator[tuple[str, str, str]]:
    """Kind, state and index below the team's, of every index to walk over."""
    for state in (*OPEN, *(ENDED["j"] if whole else ())):
        yield "j", state, state
    async for owner in owners(redis, team):
        kind = "e" if owner.startswith("c") else "j"
        if kind == "e" or whole:
            for state in (*OPEN, *(ENDED[kind] if whole else ())):
                yield kind, state, f"{owner}:{state}"
