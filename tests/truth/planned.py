"""What lists of fires to come read of crons is what their records say."""

from redis.asyncio import Redis

from shared.store.transitions.functions import SEPARATOR

PARTS = ("name", "expression", "timezone", "offset", "timing", "max_runs")
STEP = 500


async def planned_agree(redis: Redis) -> None:
    """Of all active crons of all teams; raises AssertionError, which names those that differ."""
    wrong = [
        f"cron {cron} of team {team}"
        async for index in redis.scan_iter("*:x:*:crons:active", count=1000, _type="zset")
        for team, cron in await _differing(redis, index)
    ]
    assert not wrong, f"not planned as the record is: {', '.join(wrong[:10])}"


async def _differing(redis: Redis, index: str) -> list[tuple[str, str]]:
    """Team and cron of each; what is no record any more is left out."""
    prefix, team = index.removesuffix(":crons:active").split("x:")
    known = await redis.hgetall(f"{prefix}planned:{team}")  # type: ignore[misc]
    crons, found = await redis.zrange(index, 0, -1), list[tuple[str, str]]()
    for first in range(0, len(crons), STEP):
        some = crons[first : first + STEP]
        async with redis.pipeline(transaction=False) as pipe:
            for cron in some:
                pipe.hgetall(f"{prefix}c:{team}:{cron}")
            records = await pipe.execute(raise_on_error=False)
        for cron, its in zip(some, records, strict=True):
            is_record = isinstance(its, dict) and "expression" in its
            if is_record and (known.get(cron), known.get(f"{cron}:next")) != _expected(its):
                found.append((team, cron))
    return found


def _expected(its: dict[str, str]) -> tuple[str, str]:
    runs = its.get("runs", "") if its.get("max_runs") and "next" in its else ""
    return SEPARATOR.join(its.get(part, "") for part in PARTS), its.get("next", "") + SEPARATOR + runs
