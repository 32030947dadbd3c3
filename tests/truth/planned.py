"""What lists of fires to come read of crons is what their records say."""

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.store.transitions.functions import SEPARATOR

PARTS = ("name", "expression", "timezone", "offset", "timing", "max_runs")


async def planned_agree(redis: Redis) -> None:
    """Of all active crons of all teams; raises AssertionError, which names the first that differs."""
    wrong = [
        f"cron {cron} of team {team}"
        async for index in redis.scan_iter("*:x:*:crons:active", count=1000)
        for team, cron in await _differing(redis, index)
    ]
    assert not wrong, f"not planned as the record is: {', '.join(wrong[:10])}"


async def _differing(redis: Redis, index: str) -> list[tuple[str, str]]:
    prefix, team = index.removesuffix(":crons:active").split("x:")
    known = await redis.hgetall(f"{prefix}planned:{team}")  # type: ignore[misc]
    found = list[tuple[str, str]]()
    for cron in await redis.zrange(index, 0, -1):
        try:
            its = await redis.hgetall(f"{prefix}c:{team}:{cron}")  # type: ignore[misc]
        except ResponseError:
            continue  # it is no record any more
        text = SEPARATOR.join(its.get(part, "") for part in PARTS)
        runs = its.get("runs", "") if its.get("max_runs") and "next" in its else ""
        expected = text, its.get("next", "") + SEPARATOR + runs
        if "expression" in its and (known.get(cron), known.get(f"{cron}:next")) != expected:
            found.append((team, cron))
    return found
