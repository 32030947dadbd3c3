"""Replays begun, and stepped at moments that a test names."""

from redis.asyncio import Redis

from services.scheduler.replay import step
from shared.actions import dead_letters
from shared.schemas.dead_letters import Replay, ReplayCreate
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]


def wanted(**asked: object) -> ReplayCreate:
    return ReplayCreate.model_validate({"all": True, "stop_after_failures": None, **asked})


async def begun(redis: Redis, team: Team, **asked: object) -> tuple[int, int]:
    """A replay, and the moment (ms) from which its rate counts."""
    replay = await dead_letters.replay(call_of(redis, team), wanted(**asked))
    fields = await redis.hgetall(f"{team.prefix}replay:{team.id}:{replay.id}")  # type: ignore[misc]
    return replay.id, int(fields["at"])


async def shown(redis: Redis, team: Team, replay: int) -> Replay:
    return await dead_letters.get_replay(redis, team, replay)


async def run(redis: Redis, began: int, seconds: int = 60) -> None:
    """So many seconds of a scheduler, a step each."""
    for second in range(1, seconds + 1):
        if not await step(redis, SHARD, began + second * 1000):
            return
