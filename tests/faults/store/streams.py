"""Somebody deletes the streams in which work waits; they are rebuilt from the records of the jobs."""

from shared.store import keyspace
from tests.faults.stage import TEAM, Scene, Stage, playing

PATROL_SECONDS = 60.0
"""By when the scheduler's patrol has found and repaired what was deleted."""


def _stream(queue: int) -> str:
    return f"{TEAM.prefix}s:{TEAM.id}:{queue}"


async def group_destroyed(scene: Scene) -> None:
    """XGROUP DESTROY: work in flight is delivered again, waiting work goes on."""
    async with playing(scene) as stage:
        stage.target.answer_with(200, delay=0.3)
        queue = stage.queue("work")
        stage.create(60)
        await stage.arrives(10)
        stage.story.note("XGROUP DESTROY", repeats=True)
        await stage.redis.xgroup_destroy(_stream(queue), keyspace.WORKERS)
        stage.create(10)
        await stage.settle(PATROL_SECONDS + 30)
        await _is_empty(stage, queue)


async def bell_destroyed(scene: Scene) -> None:
    """The stream that wakes idle workers is deleted: workers make it again."""
    async with playing(scene) as stage:
        stage.create(5)
        await stage.settle()
        stage.story.note("DEL of the bell")
        await stage.redis.delete(keyspace.bell(TEAM.shard))
        stage.create(5)
        await stage.settle(20)


async def stream_deleted(scene: Scene) -> None:
    """DEL of a ready stream: the patrol puts its jobs back."""
    async with playing(scene) as stage:
        queue = stage.queue("work", max_parallelism=2)
        stage.target.answer_with(200, delay=0.5)
        stage.create(40)
        await stage.arrives(4)
        stage.story.note("DEL of the ready stream", repeats=True)
        await stage.redis.delete(_stream(queue))
        await stage.settle(PATROL_SECONDS + 30)
        await _is_empty(stage, queue)


async def stream_of_a_quiet_queue_deleted(scene: Scene) -> None:
    """The same while none of its work is in flight and nothing new comes to wake a worker."""
    async with playing(scene) as stage:
        queue = stage.queue("work", is_active=False)
        stage.create(40)
        stage.story.note("DEL of the ready stream")
        await stage.redis.delete(_stream(queue))
        stage.installation.client.patch(f"/api/queues/{queue}", json={"is_active": True})
        await stage.settle(PATROL_SECONDS)
        assert stage.story.figures["repeats"] == 0


async def due_forgotten(scene: Scene) -> None:
    """DEL of the set of due moments: delayed jobs start all the same."""
    async with playing(scene) as stage:
        stage.create(20, delay=5)
        stage.story.note("DEL of due")
        await stage.redis.delete(keyspace.due(TEAM.shard))
        await stage.settle(PATROL_SECONDS + 5)
        assert stage.story.figures["repeats"] == 0


async def _is_empty(stage: Stage, queue: int) -> None:
    left = await stage.redis.xlen(_stream(queue))
    assert left == 0, f"{left} entries are left in the stream of a queue whose work has ended"


BOUNDED = (group_destroyed,)
LONG = (bell_destroyed, stream_deleted, stream_of_a_quiet_queue_deleted, due_forgotten)
