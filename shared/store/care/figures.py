"""Compare the figures of what was done with the records that are kept of it."""

from typing import NamedTuple

from redis.asyncio import Redis

from shared.schemas.kinds import Kind
from shared.store import keyspace, transitions
from shared.store.care import reconcile
from shared.store.keyspace import Team
from shared.store.transitions.reports.figures import named

STEP = 500
LENGTHS = {"m": 60_000, "t": 600_000, "h": 3_600_000, "d": 86_400_000}
"""Of periods, by their letters (ms), as `figures.lua` has them."""
ENDED: dict[str, dict[Kind, tuple[str, ...]]] = {
    "completed": {Kind.JOB: ("completed",), Kind.EXECUTION: ("completed",)},
    "failed": {Kind.JOB: ("failed", "retrying", "dead_lettered"), Kind.EXECUTION: ("failed",)},
    "skipped": {Kind.JOB: (), Kind.EXECUTION: ("skipped",)},
}
"""By figure in which states its records are; `failed` is `retried` too, which records do not tell apart."""


class Short(NamedTuple):
    """A figure that counts fewer than there are records of it, all since the same moment."""

    figure: str
    counted: int
    kept: int


async def short(redis: Redis, team: Team) -> list[Short]:
    """The figures that are too low; what was deleted was counted, and has no record any more.

    Looked at is what was due after the first stored period, which may be only a part of one.
    """
    periods = [
        member.partition(":")[2]
        async for member, _ in redis.zscan_iter(
            f"{team.prefix}{keyspace.FIGURES_UNTIL}", match=f"{team.id}:*", count=STEP
        )
    ]
    if not periods:
        return []
    since_ms = min(int(one[1:]) + LENGTHS[one[0]] for one in periods)
    kept = {figure: await _kept(redis, team, figure, since_ms) for figure in ENDED}
    counted = await _counted(redis, team, periods)
    return [
        Short(figure, counted[figure], found) for figure, found in kept.items() if counted[figure] < found
    ]


async def _counted(redis: Redis, team: Team, periods: list[str]) -> dict[str, int]:
    """Sums of the team's own figures over all periods."""
    sums = dict.fromkeys(ENDED, 0)
    for period in periods:
        fields = await redis.hgetall(f"{team.prefix}figures:{team.id}:{period}")  # type: ignore[misc]
        for name, by in named(fields):
            figure = name.rstrip("0123456789").replace("retried", "failed")
            if figure in sums:
                sums[figure] += by
    return sums


async def _kept(redis: Redis, team: Team, figure: str, since_ms: int) -> int:
    states = ENDED[figure]
    indexes = [(Kind.JOB, state) for state in states[Kind.JOB]]
    async for owner in reconcile.owners(redis, team):
        if owner.startswith(Kind.CRON):
            indexes += [(Kind.EXECUTION, f"{owner}:{state}") for state in states[Kind.EXECUTION]]
    found = 0
    for kind, index in indexes:
        after = 0
        while True:
            after, count = await transitions.count_ended(
                redis, team, kind=kind, index=index, after=after, most=STEP, since_ms=since_ms
            )
            found += count
            if not after:
                break
    return found
