"""Jobs of many customers in one queue: the limits of each key while workers are lost."""

from tests.faults.parts.installation import Options
from tests.faults.stage import Scene, playing

KEYS = ("a", "b", "c", "d")
MOST = 2
KILLS = 3
WORK_SECONDS = 0.3


async def limits_of_keys_under_fire(scene: Scene) -> None:
    """Two of each key at once, never more, while three workers are killed; and what waits of it is all done."""
    jobs = 25 if scene.is_small else 100
    services = ("api", "scheduler", "worker", "worker", "worker")
    async with playing(scene, Options(services=services)) as stage:
        stage.target.answer_with(200, delay=WORK_SECONDS)
        stage.queue("work", key_max_parallelism=MOST)
        for key in KEYS:
            stage.create(jobs, f"/{key}", key=key)
        for number in range(KILLS):
            await stage.arrives((number + 1) * jobs // 5 + scene.rng.randint(1, 3), "/a", seconds=120)
            stage.kill(scene.rng.choice(stage.installation.of("worker")))
            stage.installation.start("worker")
        await stage.settle(180)
        most = {key: stage.target.most[f"/{key}"] for key in KEYS}
        stage.story.figures |= {f"most at once of {key}": count for key, count in most.items()}
        assert set(most.values()) == {MOST}, f"{most} at once"
        left = [name async for name in stage.redis.scan_iter("r:{s0}:slots:*")]
        assert not left, f"slots are left: {left}"


BOUNDED = ()
LONG = (limits_of_keys_under_fire,)
