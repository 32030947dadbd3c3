"""A rolling upgrade: processes of the release before beside those of this one, until all are of this one."""

import asyncio
import os
import signal
import subprocess
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from tests.faults.parts import account
from tests.faults.parts.callers import Callers, Wanted
from tests.faults.parts.installation import Options
from tests.faults.parts.targets import FLAKY
from tests.faults.stage import Scene, Stage, playing
from tests.faults.story import Skipped

ROOT = Path(__file__).parents[3]
CODE = ("services", "shared")
FROM = "UPGRADE_FROM"
"""The environment variable that names another commit to start from."""
NUMBERS = {"api": 1, "scheduler": 2, "worker": 2}


async def upgraded_one_by_one(scene: Scene) -> None:
    """Workers and schedulers of the commit before serve the new API; nothing is lost, doubled or left out."""
    older = _older(scene)
    async with playing(scene, Options(services=())) as stage:
        for service, number in NUMBERS.items():
            for _ in range(number):
                stage.installation.start(service, **older)
        stage.installation.wait_until_ready()
        stage.queue("flaky", retry_delays=[1, 2, 4], alerts_enabled=True)
        stage.cron("* * * * * *")
        wanted = (Wanted(stage.url()), Wanted(stage.url(), delay=2), Wanted(stage.url(FLAKY), "flaky"))
        with stage.calling(*wanted) as callers:
            await callers.gain(100)
            for service, number in NUMBERS.items():
                for _ in range(number):
                    await _replace(stage, service, callers)
                    libraries = await stage.redis.function_list()  # type: ignore[misc]
                    stage.story.figures[f"libraries after the last {service}"] = len(libraries)
        stage.stop_crons()
        await stage.settle()
        assert stage.story.figures["repeats"] == 0
        _check_fires(stage)
        stage.no_process_ended()


async def _replace(stage: Stage, service: str, callers: Callers) -> None:
    """End the oldest process of the service, start one of this commit, and let both commits work together."""
    oldest = stage.installation.of(service)[0]
    stage.signal(oldest, signal.SIGTERM)
    assert await asyncio.to_thread(oldest.wait, 30) == 0
    stage.installation.start(service)
    await asyncio.to_thread(stage.installation.wait_until_ready)
    await callers.gain(150)


def _check_fires(stage: Stage) -> None:
    fires = account.fires(stage.target.received)
    assert all(len(executions) == 1 for executions in fires.values()), "a cron fired twice for a moment"
    moments = sorted(datetime.fromisoformat(moment) for _, moment in fires)
    missing = [one for one, following in pairwise(moments) if following - one != timedelta(seconds=1)]
    assert not missing, f"no fire after {missing}"
    stage.story.figures["fires"] = len(fires)


def _older(scene: Scene) -> dict[str, str]:
    """The environment of a process that runs the code of the commit before."""
    commit, folder = _commit_before(), scene.folder / "older"
    folder.mkdir()
    packed = _git("archive", commit, *CODE)
    subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
    scene.story.figures["from"] = commit[:12]
    return {"PYTHONPATH": str(folder)}


def _commit_before() -> str:
    """The commit that is named, or the last one that changed the code, other than what is here."""
    if named := os.environ.get(FROM):
        return _git("rev-parse", named).decode().strip()
    commits = _git("log", "-n", "2", "--format=%H", "--", *CODE).decode().split()
    here_is_committed = not _git("status", "--porcelain", "--", *CODE)
    if len(commits) < 2:
        raise Skipped("the history of the repository is not here")
    return commits[1] if here_is_committed else commits[0]


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise Skipped(f"git cannot tell which code was before this: {error}") from None


BOUNDED = ()
LONG = (upgraded_one_by_one,)
