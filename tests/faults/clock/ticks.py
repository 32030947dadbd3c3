"""Crons on schedulers that die: each tick has one record; and a heartbeat alerts once, whatever restarts."""

import asyncio
from collections import Counter, defaultdict
from datetime import datetime

import httpx

from shared import clock
from tests.faults.parts.installation import Options
from tests.faults.stage import TEAM, Scene, Stage, playing
from tests.poll import until

SCHEDULERS = 4
GRACE_SECONDS = 8


async def schedulers_killed_over_crons(scene: Scene) -> None:
    """Four schedulers killed at random over crons of every second, and Redis restarted twice: no tick twice or lost."""
    crons, seconds, restarts = (40, 20, 1) if scene.is_small else (200, 120, 2)
    async with playing(scene, Options(services=("api", "worker", *["scheduler"] * SCHEDULERS))) as stage:
        first = {stage.cron("* * * * * *"): None for _ in range(crons)}
        for cron in first:
            shown = stage.installation.client.get(f"/api/crons/{cron}").json()
            assert shown["is_active"], shown
        ends, restart_at = stage.story.now + seconds, seconds / (restarts + 1)
        due_restarts = [stage.story.now + restart_at * number for number in range(1, restarts + 1)]
        while stage.story.now < ends:
            await asyncio.sleep(scene.rng.uniform(0.3, 2.0))  # between two faults
            stage.kill(scene.rng.choice(stage.installation.of("scheduler")))
            stage.installation.start("scheduler")
            if due_restarts and stage.story.now >= due_restarts[0]:
                due_restarts.pop(0)
                with stage.story.during("kill -9 Redis, restart", repeats=True):
                    stage.installation.restart_redis()
        await _all_fire_again(stage, crons)
        stop(stage, list(first))
        await executions_end(stage)
        ticks = await ticks_of(stage)
        stage.story.figures |= {"crons": crons, "ticks": sum(len(each) for each in ticks.values())}
        wrong = {cron: fault for cron, each in ticks.items() if (fault := fault_of(each))}
        assert not wrong, f"{len(wrong)} crons: {dict(list(wrong.items())[:3])}"
        assert len(ticks) == crons


async def _all_fire_again(stage: Stage, crons: int) -> None:
    """Every cron fires after the last fault."""
    since = clock.milliseconds(clock.now())

    async def fired() -> bool:
        scores = await stage.redis.zrange(f"{TEAM.prefix}crons", 0, -1, withscores=True)
        return len(scores) == crons and all(score > since + 1000 for _, score in scores)

    await until(fired, 60)


def stop(stage: Stage, crons: list[int]) -> None:
    for cron in crons:
        answer = stage.installation.client.patch(f"/api/crons/{cron}", json={"is_active": False})
        assert answer.status_code == 200, answer.text


async def executions_end(stage: Stage) -> None:
    async def ended() -> bool:
        counts = await stage.counts("execution")
        return counts.pending == counts.processing == 0

    await until(ended, 90)


async def ticks_of(stage: Stage) -> dict[str, Counter[int]]:
    """For each cron, how many records there are for each second from its first to its last."""
    ticks: dict[str, Counter[int]] = defaultdict(Counter)
    keys = [key async for key in stage.redis.scan_iter(f"{TEAM.prefix}e:{TEAM.id}:*", count=1000)]
    for start in range(0, len(keys), 1000):
        async with stage.redis.pipeline(transaction=False) as pipe:
            for key in keys[start : start + 1000]:
                pipe.hmget(key, ["cron", "due", "first"])
            for cron, due, first in await pipe.execute():
                ticks[cron].update(range(int(first or due) // 1000, int(due) // 1000 + 1))
    return ticks


def fault_of(ticks: Counter[int]) -> str:
    """What is wrong with a cron's ticks; nothing if each second has one record."""
    twice = [second for second, times in ticks.items() if times > 1]
    lost = set(range(min(ticks), max(ticks) + 1)) - ticks.keys()
    return f"twice {sorted(twice)}, lost {sorted(lost)}" if twice or lost else ""


async def heartbeat_through_restarts(scene: Scene) -> None:
    """It alerts once when pings stop and recovers once when they come again; Redis and schedulers restart meanwhile."""
    async with playing(scene, Options(services=("api", "worker", "scheduler", "scheduler"))) as stage:
        put = {"webhook": {"url": stage.url("/alert")}}
        assert stage.installation.client.put("/api/settings/notifications", json=put).status_code == 200
        heartbeat = {"name": "backup", "mode": "heartbeat", "cron_expression": "*/2 * * * * *"}
        made = stage.installation.client.post(
            "/api/crons", json={**heartbeat, "grace_seconds": GRACE_SECONDS}
        )
        assert made.status_code == 201, made.text
        key = made.json()["ping_key"]

        await _ping_for(stage, key, 6)
        await _restart(stage)
        await _ping_for(stage, key, 6)
        assert _alerts(stage) == [], "it was pinged all the time"
        await stage.arrives(1, "/alert", 60)
        await _restart(stage)
        await asyncio.sleep(2 * GRACE_SECONDS)  # silence goes on
        assert _alerts(stage) == ["failure"]
        await _ping_for(stage, key, 4)
        await stage.arrives(2, "/alert", 60)
        await _restart(stage)
        await _ping_for(stage, key, 6)
        assert _alerts(stage) == ["failure", "recovery"]
        stage.story.figures["told"] = stage.arrived("/alert")
        stage.stop_crons()


async def _ping_for(stage: Stage, key: str, seconds: float) -> None:
    """Ping twice a second; repeat pings that are refused while Redis is away."""
    ends = stage.story.now + seconds
    async with httpx.AsyncClient(base_url=str(stage.installation.client.base_url), trust_env=False) as client:
        while stage.story.now < ends:
            with_body = await client.post(f"/ping/{key}", content=b"all is well")
            assert with_body.status_code in (200, 503), with_body.text
            await asyncio.sleep(0.5)  # a ping at a time


async def _restart(stage: Stage) -> None:
    with stage.story.during("kill -9 Redis, restart", repeats=True):
        stage.installation.restart_redis()
    stage.kill(stage.scene.rng.choice(stage.installation.of("scheduler")))
    stage.installation.start("scheduler")


def _alerts(stage: Stage) -> list[str]:
    """The types of the sent alerts, oldest first."""
    data = stage.installation.client.get("/api/alerts").json()["data"]
    return [
        one["type"]
        for one in sorted(data, key=lambda one: (datetime.fromisoformat(one["created_at"]), one["id"]))
    ]


BOUNDED = (schedulers_killed_over_crons,)
LONG = (heartbeat_through_restarts,)
