"""Redis dies, stays away, or comes back without its memory."""

import asyncio
import os
import shutil
import signal

from shared.security.tokens import CACHE_SECONDS
from tests.faults.parts import account
from tests.faults.parts.installation import Options
from tests.faults.stage import Scene, Stage, playing

LINES_A_SECOND = 50
"""More log lines than this from one process while Redis is away are a storm."""


async def crash_redis_under_load(scene: Scene) -> None:
    """kill -9 and restart, several times: everything acknowledged is there."""
    async with playing(scene, Options(services=("api", "scheduler", "worker", "worker"))) as stage:
        with stage.calling(clients=8, per_second=120) as callers:
            for _ in range(3):
                await callers.gain(scene.rng.randint(50, 120))
                with stage.story.during("kill -9 Redis, restart", repeats=True):
                    stage.installation.restart_redis()
            await callers.gain(40)
        await stage.settle()
        stage.no_process_ended()


async def crash_redis_while_requests_wait(scene: Scene) -> None:
    """kill -9 and restart while requests wait: each is answered with the end, well before its wait is over."""
    async with playing(scene) as stage:
        ids = stage.create(20, delay=4)
        asked = [asyncio.create_task(asyncio.to_thread(_waited, stage, job)) for job in ids]
        await asyncio.sleep(1)  # all wait by then, and no job is due
        with stage.story.during("kill -9 Redis, restart", repeats=True):
            stage.installation.restart_redis()
        answers = await asyncio.wait_for(asyncio.gather(*asked), 45)
        assert answers == [(200, "completed")] * len(ids), answers
        await stage.settle()
        stage.no_process_ended()


def _waited(stage: Stage, job: int) -> tuple[int, str]:
    answer = stage.installation.client.get(f"/api/jobs/{job}", params={"wait": 60}, timeout=70)
    return answer.status_code, answer.json().get("status", "")


async def redis_away_for_30_seconds(scene: Scene) -> None:
    """No process exits, the logs stay readable, and all goes on."""
    async with playing(scene) as stage:
        stage.cron("* * * * * *")
        with stage.calling(per_second=20) as callers:
            await callers.gain(20)
            before = _lines(stage)
            with stage.story.during("kill -9 Redis, restart after 30 s", repeats=True):
                stage.installation.crash_redis()
                await asyncio.sleep(2)  # long enough for every process to notice
                assert stage.installation.answers("/healthz")
                assert not stage.installation.answers("/readyz")
                await asyncio.sleep(28)  # the outage
                stage.installation.start_redis()
            lines = {name: count - before.get(name, 0) for name, count in _lines(stage).items()}
            await callers.gain(20)
        stage.stop_crons()
        await stage.settle()
        stage.no_process_ended()
        stage.story.figures["most lines of a process"] = max(lines.values())
        assert max(lines.values()) < 30 * LINES_A_SECOND, f"a storm in the logs: {lines}"


def _lines(stage: Stage) -> dict[str, int]:
    return {log.name: log.read_bytes().count(b"\n") for log in stage.scene.folder.glob("*.log")}


async def redis_comes_back_empty(scene: Scene) -> None:
    """The processes stay alive, and new jobs are accepted and done; the old data is gone, and no answer denies it."""
    async with playing(scene) as stage:
        with stage.calling() as callers:
            await callers.gain(20)
        await stage.settle()
        callers.accepted.clear()  # they were in the Redis that is lost
        stage.target.received.clear()
        with stage.story.during("Redis comes back empty", repeats=True):
            stage.installation.crash_redis()
            shutil.rmtree(stage.installation.folder / "redis" / "appendonlydir")
            stage.installation.start_redis()

        await asyncio.sleep(CACHE_SECONDS + 1)  # until no cache has a token that Redis does not know

        async def accepts() -> bool:
            job = {"queue": "work", "url": stage.url()}
            return stage.installation.client.post("/api/jobs", json=job).status_code == 201

        stage.story.figures["seconds until it accepts"] = round(await stage.holds(accepts, 30), 1)
        assert stage.installation.answers("/readyz")
        with stage.calling() as after:
            await after.gain(20)
        await stage.settle()
        stage.no_process_ended()


async def stop_redis_for_a_while(scene: Scene) -> None:
    """A Redis that hangs counts as away: 503 within about 2 s; then all goes on."""
    async with playing(scene) as stage:
        pid = stage.installation.server.pid
        with stage.calling(per_second=20) as callers:
            await callers.gain(20)
            with stage.story.during("SIGSTOP Redis for 6 s"):
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(6)  # the fault
                os.kill(pid, signal.SIGCONT)
            await callers.gain(20)
        await stage.settle(account.FRESH_SECONDS + 30)
        stage.no_process_ended()
        stage.story.figures["slowest answer"] = round(callers.slowest, 1)
        assert callers.slowest < 5, f"a caller waited {callers.slowest:.1f} s"


BOUNDED = (crash_redis_under_load, crash_redis_while_requests_wait)
LONG = (redis_away_for_30_seconds, redis_comes_back_empty, stop_redis_for_a_while)
