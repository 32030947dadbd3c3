"""Worker hosts with wrong wall clocks side by side (libfaketime): it must not matter."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import standardwebhooks

from shared.store import keyspace
from tests.faults.clock.clocks import LIBRARIES
from tests.faults.parts.installation import Options
from tests.faults.stage import Scene, Stage, playing
from tests.faults.story import Skipped
from tests.target import Received

WRONG_SECONDS = (-3600, -1, -0.02, 0.02, 1, 3600)
RIGHT_SECONDS = 2.0
"""How far a reported moment may be off: whole seconds, and the time between two processes."""
BEATS_SECONDS = 35.0
"""Longer than a sign of life is valid."""


async def workers_of_other_times(scene: Scene) -> None:
    """Signatures and runs have the right time, a date in `Retry-After` is respected, and no worker is given up."""
    workers = 1 + len(WRONG_SECONDS)
    async with playing(scene, Options(services=("api", "scheduler", "worker"), concurrency=4)) as stage:
        for seconds in WRONG_SECONDS:
            stage.story.note(f"a worker's wall clock is {seconds:+g} s off")
            stage.installation.start("worker", **_ahead_by(seconds))
        stage.installation.wait_until_ready()
        secret = stage.installation.client.post("/api/settings/signing").json()["secret"]
        with stage.calling(per_second=30) as callers:
            await asyncio.gather(callers.gain(40 * workers), _everybody_lives(stage))
        await _a_short_rest_is_short(stage, workers)
        await stage.settle()
        _all_worked(scene, workers)
        for request in stage.target.received:
            _is_signed_now(request, secret)
        _runs_are_of_now(stage)
        assert stage.story.figures["repeats"] == 0
        stage.no_process_ended()


def _ahead_by(seconds: float) -> dict[str, str]:
    """The environment in which a program reads its wall clock so much ahead."""
    if not LIBRARIES:
        raise Skipped("libfaketime is not installed")
    faked = {"FAKETIME": f"{seconds:+g}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return {"LD_PRELOAD": str(LIBRARIES[0]), **faked}


async def _everybody_lives(stage: Stage) -> None:
    """Every process is seen alive at every look, for longer than one sign is valid."""
    names = {process.pid for service in ("scheduler", "worker") for process in stage.installation.of(service)}
    deadline = time.monotonic() + BEATS_SECONDS
    while time.monotonic() < deadline:
        now = 1000 * (await stage.redis.time())[0]
        living = await stage.redis.zrangebyscore(keyspace.live(), now, now + 31_000)
        missing = names - {int(member.rpartition(":")[2]) for member in living}
        assert not missing, f"given up while they live: {missing}"
        await asyncio.sleep(0.25)  # a look at a time


async def _a_short_rest_is_short(stage: Stage, workers: int) -> None:
    """The target's clock is an hour wrong too; its `Retry-After` of 3 s delays nothing for longer, at any worker."""
    stage.queue("busy", retry_delays=[1])
    for hours in (-1, 0, 1):
        now = datetime.now(UTC) + timedelta(hours=hours)
        until = format_datetime(now + timedelta(seconds=3), usegmt=True)
        path = f"/busy{hours}"
        stage.target.answer(path, 503, retry_after=until, date=format_datetime(now, usegmt=True))
        stage.create(workers, path, "busy")
        await stage.arrives(workers, path)
        stage.target.answer(path, 200)
        before = stage.arrived("/after")
        stage.create(5, "/after", "other")
        await stage.arrives(before + 5, "/after", 10)
        await stage.arrives(2 * workers, path, 10)


def _all_worked(scene: Scene, workers: int) -> None:
    worked = [log.name for log in scene.folder.glob("worker-*.log") if '"event":"run"' in log.read_text()]
    assert len(worked) == workers, f"only {sorted(worked)} sent anything"


def _is_signed_now(request: Received, secret: str) -> None:
    if "webhook-timestamp" not in request.headers:
        return  # before there was a secret
    standardwebhooks.Webhook(secret).verify(request.body, dict(request.headers))
    arrived = time.time() - (time.monotonic() - request.at)
    off = float(request.headers["webhook-timestamp"]) - arrived
    assert abs(off) <= RIGHT_SECONDS, f"signed {off:+.1f} s beside the present"


def _runs_are_of_now(stage: Stage) -> None:
    latest = datetime.now(UTC)
    for job in stage.installation.client.get("/api/jobs?per_page=100").json()["data"]:
        if job["run"] is None:
            continue
        started = datetime.fromisoformat(job["run"]["started_at"])
        created = datetime.fromisoformat(job["created_at"])
        span = timedelta(seconds=RIGHT_SECONDS)
        assert created - span <= started <= latest + span, (created, started, latest)


BOUNDED = ()
LONG = (workers_of_other_times,)
