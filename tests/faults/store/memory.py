"""Redis with little memory left: crons do not fill it further, and created jobs are done."""

import asyncio

from shared.schemas.crons import SkipReason
from tests.faults.stage import Scene, Stage, playing

CRONS = 20
ANSWER_BYTES = 64 * 1024
ROOM_BYTES = 20 << 20
"""A minute of such responses would fill this three times."""


async def answers_fill_redis(scene: Scene) -> None:
    """Long responses are no longer kept, then crons are skipped; with room again they run."""
    seconds = 20 if scene.is_small else 60
    async with playing(scene) as stage:
        stage.target.answer("/long", 200, b"x" * ANSWER_BYTES)
        crons = [stage.cron("* * * * * *", "/long") for _ in range(CRONS)]
        most = await _used(stage) + ROOM_BYTES
        with stage.story.during(f"{ROOM_BYTES >> 20} MiB of room"):
            await stage.redis.config_set("maxmemory", most)
            await asyncio.sleep(seconds)
            await stage.redis.config_set("maxmemory", await _used(stage))  # almost nothing is left
            await stage.holds(lambda: _is_skipped(stage, crons[0]), 20)
            used = await _used(stage)
            stage.story.figures["MiB beyond the limit"] = max(0, used - most) >> 20
            await stage.redis.config_set("maxmemory", 0)
        before = stage.arrived("/long")
        await stage.arrives(before + CRONS, "/long")
        stage.stop_crons()
        await stage.settle()
        assert used < most, f"{used - most} bytes beyond the limit"


async def _used(stage: Stage) -> int:
    return int((await stage.redis.info("memory"))["used_memory"])


async def _is_skipped(stage: Stage, cron: int) -> bool:
    answer = stage.installation.client.get(f"/api/crons/{cron}/executions", params={"filter": "skipped"})
    return any(row["skip_reason"] == SkipReason.MEMORY for row in answer.json()["data"])


BOUNDED = (answers_fill_redis,)
LONG = ()
