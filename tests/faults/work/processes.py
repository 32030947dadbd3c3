"""Processes die, stop and come back."""

import asyncio
import json
import signal
import subprocess
from datetime import UTC, datetime, timedelta

import httpx

from tests.faults.parts import account
from tests.faults.parts.callers import Wanted
from tests.faults.parts.entrance import Entrance
from tests.faults.parts.installation import Options
from tests.faults.stage import Scene, Stage, playing
from tests.installation import RECURO, TOKEN
from tests.poll import until

LEASE_SECONDS = 30.0


async def kill_api(scene: Scene) -> None:
    """Only acknowledged jobs count, and a repeat under the same key makes nothing new."""
    async with playing(scene) as stage:
        with stage.calling(clients=8, per_second=80) as callers:
            for _ in range(3):
                await callers.gain(scene.rng.randint(20, 60))
                stage.kill(stage.installation.of("api")[0])
                stage.installation.start("api")
            await callers.gain(20)
        await stage.settle()


async def kill_scheduler(scene: Scene) -> None:
    """Delayed jobs and crons go on with the next one; no cron fires twice for a moment."""
    async with playing(scene) as stage:
        stage.cron("* * * * * *")
        wanted = (Wanted(stage.url()), Wanted(stage.url(), delay=1), Wanted(stage.url(), delay=3))
        with stage.calling(*wanted) as callers:
            for _ in range(3):
                await callers.gain(scene.rng.randint(10, 80))
                stage.kill(stage.installation.of("scheduler")[0])
                stage.installation.start("scheduler")
            await callers.gain(40)
        stage.stop_crons()
        await stage.settle()
        fires = account.fires(stage.target.received)
        assert all(len(executions) == 1 for executions in fires.values()), "a cron fired twice for a moment"
        stage.story.figures["fires"] = len(fires)


async def kill_worker(scene: Scene) -> None:
    """Its work goes to another worker after the lease, with the same key and attempt."""
    async with playing(scene, Options(services=("api", "scheduler", "worker", "worker"))) as stage:
        stage.target.answer_with(200, delay=0.2)
        with stage.calling(per_second=60) as callers:
            for _ in range(3):
                await callers.gain(scene.rng.randint(10, 60))
                stage.kill(scene.rng.choice(stage.installation.of("worker")))
                stage.installation.start("worker")
            await callers.gain(20)
        await stage.settle(LEASE_SECONDS + 30)


async def kill_mcp(scene: Scene) -> None:
    """A call during the crash fails; jobs acknowledged over REST are not affected."""
    async with playing(scene, Options(services=("api", "scheduler", "worker", "mcp"))) as stage:
        with stage.calling() as callers:
            for _ in range(2):
                made = await until(lambda: _created_over_mcp(stage))
                await callers.gain(scene.rng.randint(5, 30))
                stage.kill(stage.installation.of("mcp")[0])
                stage.installation.start("mcp")
                callers.accepted[made] = "made-over-mcp"
            await until(lambda: _created_over_mcp(stage))
        await stage.settle()


async def _created_over_mcp(stage: Stage) -> int:
    call = {"name": "create-job", "arguments": {"queue": "work", "url": stage.url()}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=5) as client:
        try:
            answer = await client.post(stage.installation.mcp, json=body)
        except httpx.TransportError:
            return 0
    if answer.status_code != 200:
        return 0
    return int(json.loads(answer.json()["result"]["content"][0]["text"])["id"])


async def sigterm_with_work_in_flight(scene: Scene) -> None:
    """Twenty times with fifty in flight: each job arrives once, at its first attempt."""
    times, jobs = (5, 20) if scene.is_small else (20, 50)
    async with playing(scene, Options(concurrency=jobs + jobs // 15)) as stage:
        stage.target.answer_with(200, delay=1.0)
        for round_ in range(times):
            stage.create(jobs + 10)
            (worker,) = stage.installation.of("worker")
            await stage.arrives(round_ * (jobs + 10) + jobs)
            stage.signal(worker, signal.SIGTERM)
            stage.installation.start("worker")
            assert await asyncio.to_thread(worker.wait, 30) == 0
            await stage.arrives((round_ + 1) * (jobs + 10))
        await stage.settle()
        assert stage.story.figures["repeats"] == 0
        assert {request.headers["Recuro-Attempt"] for request in stage.target.received} == {"1"}


async def stop_worker_beyond_its_lease(scene: Scene) -> None:
    """It wakes up after its work was given to another: its late results change nothing."""
    async with playing(scene, Options(services=("api", "scheduler", "worker"))) as stage:
        stage.target.answer_with(200, delay=1.0)
        stage.create(10)
        await stage.arrives(10)
        (worker,) = stage.installation.of("worker")
        stage.signal(worker, signal.SIGSTOP, repeats=True)
        stage.installation.start("worker")
        await stage.arrives(20, seconds=LEASE_SECONDS + 20)
        stage.signal(worker, signal.SIGCONT)
        stage.create(20)
        await stage.settle()
        assert (await stage.counts()).completed == 30
        stage.no_process_ended()


async def stop_worker_with_unsent_work(scene: Scene) -> None:
    """Work that it had claimed and not sent when it was suspended is done by others: it sends none of it."""
    each = 3
    async with playing(scene) as stage, Entrance(stage.target.port) as entrance:
        made = {
            path: stage.create(each, f"/{path}", "work", timeout_seconds=120, **options)
            for path, options in _unsent(entrance.url).items()
        }
        await stage.holds(lambda: _processing(stage, 4 * each))
        (worker,) = stage.installation.of("worker")
        stage.signal(worker, signal.SIGSTOP)
        for job in made["cancelled"]:
            assert stage.installation.client.post(f"/api/jobs/{job}/cancel").status_code == 200
        for job in made["deleted"]:
            assert stage.installation.client.delete(f"/api/jobs/{job}").status_code == 200
            stage.created.discard(job)
        await entrance.open()  # the kernel completes connections, even of a stopped process
        stage.installation.start("worker")
        await stage.arrives(each, "/done", LEASE_SECONDS + 20)
        await stage.settle()
        stage.signal(worker, signal.SIGCONT)
        await stage.holds(
            lambda: _says(scene, "lease_over", "work_lost_to_rescuer")
        )  # whatever it meets first
        stage.create(10)
        await stage.settle()
        arrived = {path: stage.arrived(f"/{path}") for path in made}
        assert arrived == {"done": each, "cancelled": 0, "deleted": 0, "expired": 0}, arrived
        stage.no_process_ended()


def _unsent(url: str) -> dict[str, dict[str, object]]:
    """The ways in which jobs stay unsent meanwhile, each with its options."""
    soon = datetime.now(UTC) + timedelta(seconds=15)
    ways: dict[str, dict[str, object]] = {"done": {}, "cancelled": {}, "deleted": {}}
    ways["expired"] = {"expires_at": soon.isoformat()}
    return {path: {"url": f"{url}/{path}", **options} for path, options in ways.items()}


async def _processing(stage: Stage, jobs: int) -> bool:
    return (await stage.counts()).processing == jobs


async def _says(scene: Scene, *events: str) -> bool:
    """Whether the log of a worker has one of the events."""
    logs = [log.read_text() for log in scene.folder.glob("worker-*.log")]
    return any(event in log for event in events for log in logs)


async def stop_scheduler_over_two_minutes(scene: Scene) -> None:
    """Fires that a cron missed meanwhile collapse into one that counts them."""
    async with playing(scene) as stage:
        cron = stage.cron("* * * * *")
        stage.cron("* * * * * *", "/second")
        (scheduler,) = stage.installation.of("scheduler")
        await asyncio.sleep(50 - await _second(stage) % 60 if await _second(stage) % 60 < 50 else 0)
        before = stage.arrived("/second")
        stage.signal(scheduler, signal.SIGSTOP)
        stopped = await _second(stage)
        await asyncio.sleep(75)  # the fault: two minutes begin without a scheduler
        stage.signal(scheduler, signal.SIGCONT)
        await stage.arrives(1, "/cron")
        missed = int(await _second(stage) - stopped)
        burst = stage.arrived("/second") - before
        assert burst <= 6, f"{burst} fires at once after {missed} s"
        runs = stage.installation.client.get(f"/api/crons/{cron}/executions").json()["data"]
        assert [run["missed"] for run in runs][-1] >= 1, runs
        stage.stop_crons()
        await stage.settle()


async def _second(stage: Stage) -> float:
    seconds, _ = await stage.redis.time()
    return float(seconds)


async def frozen_worker_is_reported(scene: Scene) -> None:
    """`recuro healthcheck worker` fails while the worker is stopped, and succeeds when it runs again."""
    async with playing(scene) as stage:
        (worker,) = stage.installation.of("worker")

        async def healthy() -> bool:
            command = [str(RECURO), "healthcheck", "worker"]
            ended = await asyncio.to_thread(subprocess.run, command, env=stage.installation.environment)
            return ended.returncode == 0

        async def unhealthy() -> bool:
            return not await healthy()

        assert await healthy()
        stage.signal(worker, signal.SIGSTOP)
        stage.story.figures["red after s"] = round(await stage.holds(unhealthy, 45), 1)
        stage.signal(worker, signal.SIGCONT)
        stage.story.figures["green after s"] = round(await stage.holds(healthy, 20), 1)
        stage.create(5)
        await stage.settle()


async def poisonous_job(scene: Scene) -> None:
    """A job whose workers die three times is a dead letter; the jobs beside it are done by others."""
    async with playing(scene, Options(concurrency=1)) as stage:
        stage.target.answer("/poison", 200, delay=20.0)
        stage.create(1, "/poison")
        for time in range(3):
            await stage.arrives(time + 1, "/poison", LEASE_SECONDS + 30)
            stage.kill(stage.installation.of("worker")[0])
            stage.installation.start("worker")
        stage.create(10)
        await stage.settle(LEASE_SECONDS + 30)
        counts = await stage.counts()
        assert (counts.completed, counts.failed) == (10, 1)
        (job,) = stage.installation.client.get("/api/jobs?filter=dead_lettered").json()["data"]
        assert "3 workers were lost" in job["run"]["error_message"]


BOUNDED = (kill_api, kill_scheduler, kill_worker, sigterm_with_work_in_flight)
LONG = (
    kill_mcp,
    stop_worker_beyond_its_lease,
    stop_worker_with_unsent_work,
    frozen_worker_is_reported,
    stop_scheduler_over_two_minutes,
    poisonous_job,
)
