"""Much at once: a backlog that falls due, slow work beside quiet work, limits under fire."""

import asyncio
import time
from collections.abc import Sequence

from shared.security import tokens
from shared.store import keyspace
from tests.faults.parts.callers import Wanted
from tests.faults.parts.installation import Options
from tests.faults.parts.starving import Starving
from tests.faults.stage import OTHER_TEAM, TEAM, Scene, Stage, playing
from tests.poll import until

QUIET_SECONDS, LATEST_SECONDS = 2.0, 8.0
"""By when a job of a quiet queue has started as a rule, and in any case, whatever the others do: behind them it would wait
for 20 s and more, and a busy machine may hold up any one."""
API_SECONDS = 1.0
WORK_SECONDS = 0.3
"""How long a job of a queue with limited parallelism takes."""
BELOW_SECONDS, USED_SHARE = 5.0, 0.45
"""How long a place of such a queue may be free while work waits, and how much of all places is used at least: on a quiet
machine nine tenths; a quarter if nobody took a place before the next look at the queue, a second later."""
JITTER_SECONDS = 0.45
"""Between the start that a rate limit counts and the arrival at the target, beside what they wait for a processor: Redis
waits for one, too. Who counts nothing, or forgets what was counted, lets eleven arrive in no time at all."""
OTHER_TOKEN = "rc_the-token-of-the-quiet-other-team"


async def backlog_due_at_once(scene: Scene) -> None:
    """Work that fell due in an outage is promoted and done in bounded time, and the API stays fast."""
    jobs = 5_000 if scene.is_small else 100_000
    async with playing(scene, Options(concurrency=64)) as stage:
        for service in ("scheduler", "worker"):
            stage.kill(stage.installation.of(service)[0])
        began = stage.story.now
        stage.create(jobs, delay=5)
        stage.story.figures["creates a second"] = round(jobs / (stage.story.now - began))
        await asyncio.sleep(6)  # the outage: all of it falls due
        stage.installation.start("scheduler")
        stage.installation.start("worker")
        with stage.calling(Wanted(stage.url("/fresh"), queue="fresh"), per_second=10) as callers:
            took = await stage.holds(lambda: _nothing_is_due(stage), 30 + jobs / 1000)
            await callers.gain(20)
            await _all_arrive(stage, jobs)
        stage.story.figures["seconds to promote"] = round(took, 1)
        stage.story.figures["slowest create"] = round(callers.slowest, 2)
        await stage.settle(120)
        assert stage.story.figures["repeats"] == 0
        assert callers.slowest < API_SECONDS, f"a create took {callers.slowest:.2f} s"


async def _nothing_is_due(stage: Stage) -> bool:
    return int(await stage.redis.zcard(keyspace.due(TEAM.shard))) == 0


async def _all_arrive(stage: Stage, jobs: int) -> None:
    """They start, at least a few hundred a second."""
    began, before = stage.story.now, len(stage.target.received)

    async def there() -> bool:
        await asyncio.sleep(0.2)  # a poller, slower than usual: the list is long
        return len(stage.target.received) >= jobs

    await until(there, 30 + jobs / 300)
    done = len(stage.target.received) - before
    stage.story.figures["deliveries a second"] = round(done / max(0.1, stage.story.now - began))


async def quiet_queues_beside_slow_jobs(scene: Scene) -> None:
    """Jobs of 300 ms, thousands of them."""
    await _quiet_beside(scene, 2_000 if scene.is_small else 100_000, slow_seconds=0.3)


async def quiet_queues_beside_very_slow_jobs(scene: Scene) -> None:
    """Jobs of 20 s that occupy every place a worker has for them."""
    await _quiet_beside(scene, 2_000 if scene.is_small else 100_000, slow_seconds=20.0)


async def _quiet_beside(scene: Scene, jobs: int, slow_seconds: float) -> None:
    async with playing(scene, Options(concurrency=32), teams=(TEAM, OTHER_TEAM)) as stage:
        await tokens.create(stage.redis, team="other", name="x", scopes=("admin",), token=OTHER_TOKEN)
        stage.target.answer("/slow", 200, delay=slow_seconds)
        queue = stage.queue("slow", timeout_seconds=60)
        stage.create(jobs, "/slow", "slow")
        await stage.arrives(28, "/slow")
        took = [
            await _quiet_job(stage, f"/quiet-{number}", token)
            for number in range(4 if scene.is_small else 10)
            for token in ("", OTHER_TOKEN)
        ]
        usual = sorted(took)[len(took) // 2]
        stage.story.figures |= {"usual quiet start": round(usual, 3), "slowest": round(max(took), 3)}
        assert stage.installation.client.delete(f"/api/queues/{queue}").status_code == 200
        stage.created.clear()
        await stage.settle(slow_seconds + 40, (TEAM, OTHER_TEAM))
        assert usual < QUIET_SECONDS, f"quiet jobs started after {[round(one, 2) for one in took]} s"
        assert max(took) < LATEST_SECONDS, f"a quiet job started after {max(took):.2f} s"


async def _quiet_job(stage: Stage, path: str, token: str) -> float:
    """Seconds from the answer to a create until the request at the target; with a token, of another team."""
    path += "-theirs" if token else ""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    job: dict[str, object] = {"queue": "quiet", "url": stage.url(path)}
    if token:
        job["headers"] = {"X-Other-Team": "2"}
    answer = await asyncio.to_thread(stage.installation.client.post, "/api/jobs", json=job, headers=headers)
    created = time.monotonic()
    assert answer.status_code == 201, answer.text
    await stage.arrives(1, path)
    return max(0.0, next(one.at for one in stage.target.received if one.path == path) - created)


async def parallelism_under_fire(scene: Scene) -> None:
    """Seven at once, never more, while workers are killed."""
    kills = 1 if scene.is_small else 3
    services = ("api", "scheduler", "worker", "worker", "worker")
    async with playing(scene, Options(services=services)) as stage:
        stage.target.answer_with(200, delay=WORK_SECONDS)
        stage.queue("work", max_parallelism=7)
        stage.create(150 * kills)
        for number in range(kills):
            await stage.arrives(150 * number + scene.rng.randint(20, 60), seconds=90)
            stage.kill(scene.rng.choice(stage.installation.of("worker")))
            stage.installation.start("worker")
        await stage.settle(120)
        most = stage.target.most["/work"]
        stage.story.figures["most at once"] = most
        assert most <= 7, f"{most} at once"


async def parallelism_used_in_calm(scene: Scene) -> None:
    """Seven at once, and never fewer for long while others wait: a free place is taken at once."""
    async with playing(scene, Options(services=("api", "scheduler", "worker", "worker", "worker"))) as stage:
        stage.target.answer_with(200, delay=WORK_SECONDS)
        stage.queue("work", max_parallelism=7)
        stage.create(150 if scene.is_small else 600)
        await stage.settle(120)
        starts = [request.at for request in stage.target.received]
        longest = _longest_below(starts, 7)
        stage.story.figures["most at once"] = stage.target.most["/work"]
        used = len(starts) * WORK_SECONDS / (7 * (max(starts) - min(starts)))
        stage.story.figures |= {"longest below seven, seconds": round(longest, 3), "used": round(used, 2)}
        assert stage.target.most["/work"] == 7
        assert longest < BELOW_SECONDS, f"fewer than seven for {longest:.2f} s"
        assert used > USED_SHARE, f"{used:.0%} of the places were used"


def _longest_below(starts: Sequence[float], count: int) -> float:
    """The spans with fewer than `count` at once, between the moment when there first are so many and the last start."""
    changes = sorted([(at, 1) for at in starts] + [(at + WORK_SECONDS, -1) for at in starts])
    running, below_since, longest = 0, None, 0.0
    for at, change in changes:
        if at > max(starts):
            break
        was, running = running, running + change
        if was >= count > running:
            below_since = at
        elif running >= count and below_since is not None:
            longest, below_since = max(longest, at - below_since), None
    return max(longest, max(starts) - below_since) if below_since is not None else longest


async def rate_limit_kept(scene: Scene) -> None:
    """Ten a second, never more, with two workers and a Redis that restarts."""
    async with playing(scene, Options(services=("api", "scheduler", "worker", "worker"))) as stage:
        stage.queue("work", rate_limit={"count": 10, "per_seconds": 1})
        began = stage.story.now
        with Starving([worker.pid for worker in stage.installation.of("worker")]) as starving:
            stage.create(80)
            await stage.arrives(40)
            with stage.story.during("kill -9 Redis, restart", repeats=True):
                stage.installation.restart_redis()
            await stage.settle(60)
        stage.story.figures["seconds for 80"] = round(stage.story.now - began, 1)
        shortest, waited = _shortest_span([request.at for request in stage.target.received], 11, starving)
        stage.story.figures |= {"shortest span of 11": round(shortest, 3), "not run": round(waited, 3)}
        assert shortest + waited >= 1 - JITTER_SECONDS, f"eleven arrived within {shortest:.3f} s"


def _shortest_span(moments: Sequence[float], count: int, starving: Starving) -> tuple[float, float]:
    """And how long workers and target had no processor in it or the second before, in which all of it was counted."""
    ordered = sorted(moments)
    spans = zip(ordered, ordered[count - 1 :], strict=False)
    return min(((last - first, starving.between(first - 1, last)) for first, last in spans), key=sum)


BOUNDED = (quiet_queues_beside_very_slow_jobs, parallelism_used_in_calm, rate_limit_kept)
LONG = (backlog_due_at_once, quiet_queues_beside_slow_jobs, parallelism_under_fire)
