"""Jobs of many customers in one queue: the limits of each key while workers are lost."""

import time
from collections import defaultdict
from collections.abc import Sequence

from redis.asyncio import Redis

from tests.faults.parts.installation import Options
from tests.faults.stage import TEAM, Scene, Stage, playing

Moments = defaultdict[int, list[float]]

KEYS = ("a", "b", "c", "d")
MOST = 2
KILLS = 3
WORK_SECONDS = 0.3
COUNT, PERIOD_SECONDS = 10, 6
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
    """Of each key no more start in any six seconds than may, while three workers are killed; and all are done.

    A claim counts, and a request arrives after its claim: by the longest way of one, windows at the target are shorter.
    """
    jobs = 30 if scene.is_small else 50
    async with playing(scene, Options(services=SERVICES)) as stage:
        stage.target.answer_with(200, delay=WORK_SECONDS)
        stage.queue("work", key_rate_limit={"count": COUNT, "per_seconds": PERIOD_SECONDS})
        ids = {key: stage.create(jobs, f"/{key}", key=key) for key in KEYS}
        await _kill_workers(stage, jobs)
        await stage.settle(180)
        claims, arrivals = await _claims(stage.redis), _arrivals(stage)
        travel = max(_longest_way(claims[job], arrivals[job]) for job in arrivals)
        stage.story.figures["longest way, s"] = round(travel, 2)
        for key in KEYS:
            at_claims = _most_within(
                [at for job in ids[key] for at in claims[job]], PERIOD_SECONDS - READ_SECONDS
            )
            at_target = _most_within(
                [at for job in ids[key] for at in arrivals[job]], PERIOD_SECONDS - travel
            )
            stage.story.figures[f"most of {key}"] = f"{at_claims} claimed, {at_target} arrived"
            assert at_claims == COUNT, f"{at_claims} of {key} were claimed at once"
            assert at_target <= COUNT, f"{at_target} of {key} arrived within {PERIOD_SECONDS - travel:.2f} s"


async def _claims(redis: Redis) -> Moments:
    """When each job was claimed (s), as the events say, also those that were lost."""
    found = Moments(list)
    for entry, event in await redis.xrange(f"{TEAM.prefix}events"):
        for ref in event["refs"].split(",") if event["name"] == "job.started" else ():
            found[int(ref.removeprefix("j:"))].append(int(entry.partition("-")[0]) / 1000)
    return found


def _arrivals(stage: Stage) -> Moments:
    """When each job arrived at the target, by the same clock."""
    found, ahead = Moments(list), time.time() - time.monotonic()
    for request in stage.target.received:
        found[int(request.headers["Recuro-Job-Id"])].append(request.at + ahead)
    return found


def _longest_way(claims: Sequence[float], arrivals: Sequence[float]) -> float:
    """From a claim of a job until it arrived; each arrival has a claim of its own, of which some never arrive."""
    ways, left = [], list(claims)
    for at in sorted(arrivals, reverse=True):
        claim = max((one for one in left if one <= at + READ_SECONDS), default=None)
        assert claim is not None, "a request arrived that nobody claimed"
        left.remove(claim)
        ways.append(at - claim)
    return max(ways)


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
