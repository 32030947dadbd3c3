"""Compare records, indexes, streams and ledger with each other, and repair what the records prove."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from shared.schemas.kinds import Kind
from shared.store import account_keys, keyspace, transitions
from shared.store.keyspace import Team

STEP = 200
"""Rows a call: it looks at each row's record, stream entry and indexes."""
LOOK = 500
"""Queues or crons a call: most of them have nothing to look at."""
STRIPS = 16
"""Crons a call, of each of which it looks at 30 executions."""
OPEN = ("pending", "processing")
OWNERS = ((Kind.QUEUE, "queues"), (Kind.CRON, "crons:active"), (Kind.CRON, "crons:paused"))
"""How a queue or a cron is marked, and the indexes below the team's that list them all."""
ENDED = {
    Kind.JOB: ("completed", "failed", "retrying", "dead_lettered"),
    Kind.EXECUTION: ("completed", "failed", "skipped"),
}


LISTS = ("executions", *(f"executions:{of}" for of in ("failed", "skipped", "late")))
"""Those that list the executions of all crons of a team, below the team's indexes."""

Rest = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """Do not rest: somebody waits for the end of the walk."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a patrol looked at and repaired: `j:<job>`, `c:<cron>`, `problem:<id>` …"""

    team: int
    index: str
    mended: tuple[str, ...]
    is_full: bool
    """There is more of this index to walk over."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A column of a team's ledger that differed from the count of the indexes."""

    team: int
    noun: str
    column: str
    posted: int
    counted: int


async def teams(redis: Redis, shard: str) -> list[Team]:
    """The teams that have a queue or a cron in the shard."""
    found = await redis.smembers(keyspace.teams_in(shard))  # type: ignore[misc]
    return [Team(number, shard) for number in sorted(int(one) for one in found if one.isdecimal())]


async def relist_teams(redis: Redis, shard: str) -> int:
    """List teams again that the shard's list has lost, as their crons would not fire; return how many."""
    known = [number for number in await redis.hvals(account_keys.teams()) if number.isdecimal()]  # type: ignore[misc]
    return int(await redis.sadd(keyspace.teams_in(shard), *known)) if known else 0  # type: ignore[misc]


async def owners(redis: Redis, team: Team) -> AsyncIterator[str]:
    """`q<queue>` and `c<cron>` for all of a team's queues and crons."""
    for kind, index in OWNERS:
        for owner in await redis.zrange(f"{team.prefix}x:{team.id}:{index}", 0, -1):
            yield f"{kind}{owner}"


async def busy_crons(redis: Redis, team: Team, rest: Rest) -> AsyncIterator[str]:
    """`c<cron>` for each cron with an execution that waits or runs."""
    for kind, index in OWNERS[1:]:
        after = 0
        while True:
            after, found = await transitions.find_owners(
                redis, team, OPEN, kind=kind, index=index, after=after, limit=LOOK
            )
            for owner in found:
                yield f"{kind}{owner}"
            await rest()
            if not after:
                break


async def patrol(
    redis: Redis, team: Team, *, whole: bool = False, now_ms: int | None = None, rest: Rest = at_once
) -> AsyncIterator[Step]:
    """Walk over what is pending or processing, or with `whole` over everything, step by step.

    Work that nothing would start any more goes back into its stream or into what is due. `rest` is what
    follows each look for crons that have any.
    """
    if whole:
        wrong = await relist_problems(redis, team)
        yield Step(team.id, "problems", tuple(f"problem:{one}" for one in wrong), is_full=False)
    for kind, state, index in [walk async for walk in _walks(redis, team, whole, rest)]:
        after = 0
        while True:
            after, mended = await transitions.patrol(
                redis, team, kind=kind, index=index, state=state, after=after, most=STEP, now_ms=now_ms
            )
            yield Step(team.id, index, tuple(mended), is_full=bool(after))
            if not after:
                break
    if whole:
        async for step in relist_executions(redis, team):
            yield step
        async for step in mend_strips(redis, team):
            yield step
        unlisted = await transitions.relist_backfills(redis, team)
        yield Step(team.id, "backfills", tuple(f"{Kind.BACKFILL}:{one}" for one in unlisted), is_full=False)
        unlisted = await transitions.relist_bulks(redis, team)
        yield Step(team.id, "bulks", tuple(f"{Kind.BULK}:{one}" for one in unlisted), is_full=False)


async def relist_executions(redis: Redis, team: Team) -> AsyncIterator[Step]:
    """Hold the lists of all crons' executions against the records of each cron, and of the lists."""
    crons = [owner async for owner in owners(redis, team) if owner.startswith(Kind.CRON)]
    states = (*OPEN, *ENDED[Kind.EXECUTION], "backfilled")
    for index in (*(f"{cron}:{state}" for cron in crons for state in states), *LISTS):
        cursor = "0"
        while True:
            cursor, mended = await transitions.relist_executions(
                redis, team, index=index, cursor=cursor, count=STEP
            )
            yield Step(team.id, index, tuple(f"e:{one}" for one in mended), is_full=cursor != "0")
            if cursor == "0":
                break


async def mend_strips(redis: Redis, team: Team) -> AsyncIterator[Step]:
    """Hold what each cron says of its last executions against these."""
    for _, index in OWNERS[1:]:
        after = 0
        while True:
            after, mended = await transitions.mend_strips(redis, team, index=index, after=after, most=STRIPS)
            yield Step(team.id, index, tuple(f"c:{cron}" for cron in mended), is_full=bool(after))
            if not after:
                break


async def relist_problems(redis: Redis, team: Team) -> list[str]:
    """List problems as their records say, also those that only one list has; return those that were not."""
    known, found = set(await redis.hvals(f"{team.prefix}problem_ids:{team.id}")), list[str]()  # type: ignore[misc]
    for state in transitions.PROBLEM_STATES:
        known.update(await redis.zrange(_problems(team, state), 0, -1))
    ids = sorted(int(one) for one in known if one.isdecimal())
    for start in range(0, len(ids), STEP):
        found += await transitions.mend_problems(redis, team, ids[start : start + STEP])
    return found


def _problems(team: Team, state: str) -> str:
    return f"{team.prefix}x:{team.id}:problems:{state}"


async def relist(redis: Redis, team: Team, kind: str, ids: Sequence[int]) -> list[str]:
    """Repair these records as `patrol` does, even if no list has them; return `kind:id` of each repaired."""
    found = list[str]()
    for start in range(0, len(ids), STEP):
        found += await transitions.patrol_chosen(redis, team, ids[start : start + STEP], kind=kind)
    return found


async def patrol_crons(redis: Redis, team: Team, rest: Rest = at_once) -> list[int]:
    """Put back active crons that the list of due crons has lost; a rest follows each step."""
    after, found = 0, list[int]()
    while True:
        after, mended = await transitions.patrol_crons(redis, team, after=after, most=STEP)
        found += mended
        await rest()
        if not after:
            return found


async def recount(redis: Redis, team: Team, *, repair: bool) -> list[Difference]:
    """Where the ledger differs from a count of the indexes at one instant; `repair` sets it to the count."""
    found = []
    for noun in ("job", "execution"):
        rows = await transitions.recount(redis, team, noun=noun, repair=repair)
        found += [Difference(team.id, noun, *row) for row in rows]
    return found


async def _walks(redis: Redis, team: Team, whole: bool, rest: Rest) -> AsyncIterator[tuple[Kind, str, str]]:
    """Kind, state and index below the team's, of every index to walk over."""
    for state in (*OPEN, *(ENDED[Kind.JOB] if whole else ())):
        yield Kind.JOB, state, state
    if whole:
        for problems in transitions.PROBLEM_STATES:
            for problem in await redis.zrange(_problems(team, problems), 0, -1):
                yield Kind.JOB, "dead_lettered", f"p{problem}:dead"
    async for owner in owners(redis, team) if whole else busy_crons(redis, team, rest):
        kind = Kind.EXECUTION if owner.startswith(Kind.CRON) else Kind.JOB
        for state in (*OPEN, *(ENDED[kind] if whole else ())):
            yield kind, state, f"{owner}:{state}"
