"""Jobs of many customers in one queue: the limits of each key while workers are lost."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from redis.asyncio import Redis

from tests.faults.parts.installation import Options
from tests.faults.stage import TEAM, Scene, Stage, playing

Moments: TypeAlias = dict[str, list[float]]

KEYS = ("a", "b", "c", "d")
MOST = 2
KILLS = 3
WORK_SECONDS = 0.3
COUNT, PERIOD_SECONDS = 10, 6
TRAVEL_SECONDS = 2.0
"""From its claim, which the rate counts, to the target on a busy machine: by so much windows there are shorter."""
READ_SECONDS = 0.25
"""Between the two looks at the clock of one call, by which a claim counts and by which its event is named."""
SERVICES = ("api", "scheduler", "worker", "worker", "worker")


async def limits_of_keys_under_fire(scene: Scene) -> None:
    """Two of each key at once, never more, while three workers are killed; and what waits of it is all done."""
    jobs = 25 if scene.is_small else 100
    async with playing(scene, Options(services=SERVICES)) as stage:
        stage.target.answer_with(200, delay=WORK_SECONDS)
        stage.queue("work", key_max_parallelism=MOST)
        for key in KEYS:
            stage.create(jobs, f"/{key}", key=key)
        await _kill_workers(stage, jobs)
        await stage.settle(180)
        most = {key: stage.target.most[f"/{key}"] for key in KEYS}
        stage.story.figures |= {f"most at once of {key}": count for key, count in most.items()}
        assert set(most.values()) == {MOST}, f"{most} at once"
        left = [name async for name in stage.redis.scan_iter("r:{s0}:slots:*")]
        assert not left, f"slots are left: {left}"


async def rate_of_keys_under_fire(scene: Scene) -> None:
    """Of each key no more start in any six seconds than may, while three workers are killed; and all are done."""
    jobs = 30 if scene.is_small else 50
    async with playing(scene, Options(services=SERVICES)) as stage:
        stage.target.answer_with(200, delay=WORK_SECONDS)
        stage.queue("work", key_rate_limit={"count": COUNT, "per_seconds": PERIOD_SECONDS})
        key_of = {f"j:{job}": key for key in KEYS for job in stage.create(jobs, f"/{key}", key=key)}
        await _kill_workers(stage, jobs)
        await stage.settle(180)
        claimed, arrived = await _claims(stage.redis, key_of), _arrivals(stage)
        for key in KEYS:
            at_claims = _most_within(claimed[key], PERIOD_SECONDS - READ_SECONDS)
            at_target = _most_within(arrived[f"/{key}"], PERIOD_SECONDS - TRAVEL_SECONDS)
            stage.story.figures[f"most of {key}"] = at_target
            assert len(claimed[key]) >= jobs
            assert at_claims == COUNT, f"{at_claims} of {key} were claimed at once"
            assert at_target <= COUNT, f"{at_target} of {key} arrived in {PERIOD_SECONDS - TRAVEL_SECONDS} s"


async def _claims(redis: Redis, key_of: Mapping[str, str]) -> Moments:
    """When jobs of each key were claimed, as the events say, repeats too: each was a claim of its own."""
    found: Moments = defaultdict(list)
    for entry, event in await redis.xrange(f"{TEAM.prefix}events"):
        for ref in event["refs"].split(",") if event["name"] == "job.started" else ():
            found[key_of[ref]].append(int(entry.partition("-")[0]) / 1000)
    return found


def _arrivals(stage: Stage) -> Moments:
    found: Moments = defaultdict(list)
    for request in stage.target.received:
        found[request.path].append(request.at)
    return found


async def _kill_workers(stage: Stage, jobs: int) -> None:
    rng = stage.scene.rng
    for number in range(KILLS):
        await stage.arrives((number + 1) * jobs // 5 + rng.randint(1, 3), "/a", seconds=120)
        stage.kill(rng.choice(stage.installation.of("worker")))
        stage.installation.start("worker")


def _most_within(moments: Sequence[float], seconds: float) -> int:
    return max(sum(begin <= at < begin + seconds for at in moments) for begin in moments)


BOUNDED = ()
LONG = (limits_of_keys_under_fire, rate_of_keys_under_fire)
