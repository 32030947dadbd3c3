"""The law of the figures: what was counted is what the kept records tell."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store import keyspace, ledger
from shared.store.keyspace import Team
from shared.store.transitions.reports.figures import named
from tests.faults.parts.account import ENDED, EXECUTIONS, crons_of

STEP = 500
CRONS = "crons:"


class Attempt(NamedTuple):
    """A job that ended: its state, the first of its chain, which attempt, and whether a worker said how it ended."""

    state: str
    original: str
    number: int
    is_said: bool


async def figures_agree(redis: Redis, team: Team) -> None:
    """Figures of jobs and crons equal a recount of the records, and are more only by what was deleted.

    A figure is written with the record that it counts, so a Redis that lost its last writes lost both. Only
    those that were damaged, and put aside, may be too low.
    """
    if any(name.startswith("figures") for name in await redis.hkeys(keyspace.damaged(team.shard))):  # type: ignore[misc]
        return
    counted = await _counted(redis, team)
    of_crons = Counter(
        {name.removeprefix(CRONS): by for name, by in counted.items() if name.startswith(CRONS)}
    )
    of_all = {name: counted[name] for name in ("started", "completed", "failed", "retried", "skipped")}
    of_jobs = {name: by - of_crons[name] for name, by in of_all.items()}
    least, most = _of_attempts(await _attempts(redis, team))
    _compare("jobs", of_jobs, least, most, (await ledger.read(redis, team)).deleted)
    kept = await _of_executions(redis, team)
    executions = {name: of_crons[name] for name in kept}
    _compare("executions", executions, kept, kept, (await ledger.read(redis, team, "execution")).deleted)


def _compare(
    of: str, counted: dict[str, int], least: dict[str, int], most: dict[str, int], deleted: int
) -> None:
    fewer = {name: (counted[name], by) for name, by in least.items() if counted[name] < by}
    more = {name: (counted[name], by) for name, by in most.items() if counted[name] > by and not deleted}
    assert not fewer, f"figures of {of} are too low (counted, kept): {fewer}"
    assert not more, f"figures of {of} are too high (counted, kept): {more}"


async def _counted(redis: Redis, team: Team) -> Counter[str]:
    """Sums over all periods, without the buckets."""
    sums: Counter[str] = Counter()
    until = f"{team.prefix}{keyspace.FIGURES_UNTIL}"
    async for member, _ in redis.zscan_iter(until, match=f"{team.id}:*", count=STEP):
        fields = await redis.hgetall(f"{team.prefix}figures:{member}")  # type: ignore[misc]
        for name, by in named(fields):
            sums[name.rstrip("0123456789")] += by
    return sums


async def _attempts(redis: Redis, team: Team) -> list[Attempt]:
    found: list[Attempt] = []
    for state in ENDED:
        ids = await redis.zrange(f"{team.prefix}x:{team.id}:{state}", 0, -1)
        for first in range(0, len(ids), STEP):
            found += await _read(redis, team, state, ids[first : first + STEP])
    return found


async def _read(redis: Redis, team: Team, state: str, ids: Sequence[str]) -> list[Attempt]:
    async with redis.pipeline(transaction=False) as pipe:
        for job in ids:
            pipe.hmget(f"{team.prefix}j:{team.id}:{job}", ["origin", "attempt"])
            pipe.getrange(f"{team.prefix}r:{team.id}:j{job}", 0, 0)
        rows = await pipe.execute()
    return [
        Attempt(state, origin or job, int(number or 1), run == "[")
        for job, (origin, number), run in zip(ids, rows[::2], rows[1::2], strict=True)
    ]


def _of_attempts(attempts: Sequence[Attempt]) -> tuple[dict[str, int], dict[str, int]]:
    """The least and most of each figure: of what a transition ended by itself nobody knows whether it had started."""
    latest: dict[str, int] = defaultdict(int)
    for one in attempts:
        latest[one.original] = max(latest[one.original], one.number)
    counts = Counter(
        "completed"
        if one.state == "completed"
        else "retried"
        if one.number < latest[one.original]
        else "failed"
        for one in attempts
    )
    exact = {name: counts[name] for name in ("completed", "failed", "retried")}
    said = sum(one.is_said for one in attempts)
    return {**exact, "started": said}, {**exact, "started": len(attempts)}


async def _of_executions(redis: Redis, team: Team) -> dict[str, int]:
    crons = await crons_of(redis, team)
    rows = await redis.eval(EXECUTIONS, 1, team.prefix, str(team.id), *crons)  # type: ignore[misc]
    states = Counter(row[1] for row in rows)
    return {name: states[name] for name in ("completed", "failed", "skipped")}
