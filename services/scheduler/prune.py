"""Remove the records of deleted queues, crons and teams, in bounded steps."""

import asyncio

from redis.asyncio import Redis

from services.scheduler.retire import retire_trails
from shared.security import tokens
from shared.settings import Settings
from shared.store import account_keys, keyspace, transitions
from shared.store.care import reconcile
from shared.store.keyspace import Team
from shared.store.transitions import accounts

STEP, OWNERS = 500, 100
IDLE_SECONDS, TRAIL_SECONDS = 1.0, 3600.0


async def keep_pruning(redis: Redis, shard: str) -> None:
    while True:
        if await prune(redis, shard) < STEP:
            await asyncio.sleep(IDLE_SECONDS)


async def prune(redis: Redis, shard: str, limit: int = STEP) -> int:
    """Remove up to `limit` records; return how many."""
    return await transitions.prune(redis, shard, limit=limit)


async def keep_pruning_teams(redis: Redis) -> None:
    while True:
        if not await prune_teams(redis):
            await asyncio.sleep(IDLE_SECONDS)


async def prune_teams(redis: Redis) -> int:
    """Take a step for each deleted team; return how many records, queues and crons went."""
    doomed = await redis.smembers(account_keys.doomed_teams())  # type: ignore[misc]
    return sum([await _prune_team(redis, await _team(redis, one)) for one in sorted(doomed)])


async def keep_ending_trails(redis: Redis, settings: Settings) -> None:
    while True:
        await end_trails(redis, settings)
        await asyncio.sleep(TRAIL_SECONDS)


async def end_trails(redis: Redis, settings: Settings, now_ms: int | None = None) -> None:
    """Let old lines of deleted teams go; with the last one goes what is known of the team."""
    for one in await redis.smembers(account_keys.ended_teams()):  # type: ignore[misc]
        team = await _team(redis, one)
        await retire_trails(redis, team, settings, now_ms)  # by the hundred; the rest is few
        await retire_trails(redis, team, settings, now_ms, approximate=False)
        if not any([await redis.xlen(trail) for trail in keyspace.audit_trails(team)]):
            await redis.delete(account_keys.team(team.id), *keyspace.audit_trails(team))
            await redis.srem(account_keys.ended_teams(), one)  # type: ignore[misc]


async def _prune_team(redis: Redis, team: Team) -> int:
    """First what may start anything, then what belonged to that, and who belongs to the team at last."""
    if deleted := await _delete_owners(redis, team):
        return deleted
    if await _has_doomed(redis, team):
        return 0
    cleared = await accounts.clear_team(redis, team, limit=STEP)
    if cleared:
        return max(cleared, 0)
    await tokens.end_all(redis, team.id)
    return await accounts.clear_accounts(redis, team=team.id, limit=STEP)


async def _delete_owners(redis: Redis, team: Team) -> int:
    """Delete some of its crons and queues; return how many."""
    crons: list[str] = []
    for _, index in reconcile.OWNERS[1:]:
        crons += await redis.zrange(f"{team.prefix}x:{team.id}:{index}", 0, OWNERS - 1)
    queues = await redis.zrange(f"{team.prefix}x:{team.id}:{reconcile.OWNERS[0][1]}", 0, OWNERS - 1)
    for cron in crons:
        await transitions.delete_cron(redis, team, cron=int(cron))
    for queue in queues:
        await transitions.delete_queue(redis, team, queue=int(queue))
    return len(crons) + len(queues)


async def _has_doomed(redis: Redis, team: Team) -> bool:
    """Whether queues or crons of it are still to be pruned."""
    async for _ in redis.sscan_iter(keyspace.doomed(team.shard), match=f"?:{team.id}:*", count=STEP):
        return True
    return False


async def _team(redis: Redis, number: str) -> Team:
    shard = await redis.hget(account_keys.team(number), "shard")  # type: ignore[misc]
    return Team(int(number), shard if shard in keyspace.SHARDS else keyspace.SHARDS[0])
