"""Clocks jump: that of Redis, and that of a worker (libfaketime; it works only with the wheel's server)."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from services.cli import doctor, embedded
from shared.store import moments
from tests.faults.parts.installation import Options
from tests.faults.stage import TEAM, Scene, Stage, playing
from tests.faults.story import Skipped
from tests.poll import until

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
HOUR = 3600
PAUSE_SECONDS = 30.0
"""How long a jump is not trusted."""
FOOLED_SECONDS = 15.0
"""The library does not always see at once that its file has changed."""


def faked(clock: Path) -> dict[str, str]:
    """The environment in which a program reads its wall clock with the shift in `clock`."""
    if not LIBRARIES:
        raise Skipped("libfaketime is not installed")
    return {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def set_clock(clock: Path, seconds: float) -> None:
    fresh = clock.with_suffix(".fresh")  # a reader must not see half a line
    fresh.write_text(f"{seconds:+.3f}\n")
    fresh.rename(clock)


@asynccontextmanager
async def fooled(
    scene: Scene, environments: Mapping[str, Mapping[str, str]] | None = None, *, whole: bool = False
) -> AsyncIterator[tuple[Stage, Path]]:
    """An installation whose Redis reads its clock with the shift in the file; with `whole` its scheduler too."""
    server, clock = embedded.wheel_program(), scene.folder / "clock"
    if server is None:
        raise Skipped("the wheel brings no server for this machine")
    set_clock(clock, 0)
    wrapper = scene.folder / "server"
    settings = " ".join(f"{name}={value}" for name, value in faked(clock).items())
    wrapper.write_text(f'#!/bin/sh\n{settings} exec {server} "$@"\n')
    wrapper.chmod(0o700)
    given = environments or {"scheduler": faked(clock) if whole else {}}
    async with playing(scene, Options(server=wrapper, environments=given)) as stage:
        seconds, _ = await stage.redis.time()
        set_clock(clock, HOUR)

        async def is_fooled() -> bool:
            return bool((await stage.redis.time())[0] - seconds >= HOUR - 5)

        try:
            await until(is_fooled, FOOLED_SECONDS)
        except AssertionError:
            raise Skipped("libfaketime does not fool this server") from None
        finally:
            set_clock(clock, 0)

        async def is_trusted() -> bool:
            seen = await moments.read(stage.redis, TEAM.shard)
            return seen.is_vouched and seen.correction_ms == 0

        await until(is_trusted, PAUSE_SECONDS + 10)  # the services saw that too
        yield stage, clock


async def machine_two_hours_ahead(scene: Scene) -> None:
    """Nothing starts early while the jump is not trusted; then a cron fires once for all it missed."""
    async with fooled(scene, whole=True) as (stage, clock):
        stage.cron("0 * * * *")
        stage.create(10, "/later", delay=HOUR)
        stage.create(10)
        await stage.arrives(10)
        stage.story.note("the clock of the machine of Redis and the scheduler jumps by +2 h")
        set_clock(clock, 2 * HOUR)
        jumped = time.monotonic()
        while time.monotonic() < jumped + PAUSE_SECONDS - 5:
            stage.create(1)
            early = (stage.arrived("/later"), stage.arrived("/cron"))
            assert early == (0, 0), (
                f"jobs and crons started early: {early}, {time.monotonic() - jumped:.1f} s in"
            )
            await asyncio.sleep(0.5)  # a look at a time
        await stage.arrives(10, "/later")
        await stage.arrives(1, "/cron")
        await stage.settle()
        assert stage.arrived("/cron") == 1, f"a burst of {stage.arrived('/cron')} fires"
        assert stage.story.figures["repeats"] == 0
        stage.no_process_ended()


async def machine_ahead_and_mended(scene: Scene) -> None:
    """Crons fired by a clock two hours ahead are not silent for two hours after it is corrected."""
    async with fooled(scene, whole=True) as (stage, clock):
        made = {
            path: stage.cron(when, path)
            for path, when in (("/ticks", "*/2 * * * * *"), ("/slow", "* * * * *"))
        }
        await stage.arrives(1, "/ticks")
        with stage.story.during("the clock of the machine of Redis and the scheduler is 2 h ahead"):
            set_clock(clock, 2 * HOUR)
            await asyncio.sleep(PAUSE_SECONDS + 2)  # so long it is not trusted
            before = stage.arrived("/ticks")
            await stage.arrives(before + 2, "/ticks", 20)
            await stage.arrives(1, "/slow", 20)
            stage.create(1, "/delayed", delay=20)
        set_clock(clock, 0)
        before, slow = stage.arrived("/ticks"), stage.arrived("/slow")
        stage.story.figures["ticks after"] = round(await _fires_again(stage, "/ticks", before), 1)
        await _fires_again(stage, "/slow", slow, 150)
        await stage.arrives(1, "/delayed", 60)
        found = [one.text for one in await doctor.examine(stage.redis) if not one.good]
        assert any("the next fire of" in text for text in found), found
        at = datetime.fromtimestamp(int(time.time()) // 2 * 2 - 4, UTC).isoformat()
        why = stage.installation.client.get(f"/api/crons/{made['/ticks']}/why", params={"at": at}).json()
        assert [reason["verdict"] for reason in why["reasons"]] == ["completed"], why
        stage.stop_crons()
        await stage.settle()
        assert stage.story.figures["repeats"] == 0
        stage.no_process_ended()


async def _fires_again(stage: Stage, path: str, before: int, seconds: float = PAUSE_SECONDS + 15) -> float:
    async def again() -> bool:
        return stage.arrived(path) >= before + 2

    return await stage.holds(again, seconds)


async def machine_an_hour_back(scene: Scene) -> None:
    """Work goes on, delayed jobs of the new time start, and nothing happens twice when the clock is corrected."""
    async with fooled(scene, whole=True) as (stage, clock):
        stage.cron("* * * * *")
        stage.create(5, "/before", delay=5)
        stage.story.note("the clock of the machine of Redis and the scheduler jumps by -1 h")
        set_clock(clock, -HOUR)
        stage.create(10)
        await stage.arrives(10, seconds=10)
        stage.create(5, "/after", delay=3)
        await stage.arrives(5, "/after", PAUSE_SECONDS + 20)
        stage.story.note("that clock is mended")
        set_clock(clock, 0)
        await stage.arrives(5, "/before", PAUSE_SECONDS + 20)
        fired = stage.arrived("/cron")
        await stage.arrives(fired + 1, "/cron", 90)
        assert stage.arrived("/cron") <= fired + 2
        stage.stop_crons()
        await stage.settle()
        assert stage.story.figures["repeats"] == 0
        stage.no_process_ended()


async def worker_an_hour_ahead(scene: Scene) -> None:
    """A worker keeps its work as long as it beats, whatever its wall clock says."""
    clock = scene.folder / "clock"
    set_clock(clock, HOUR)
    options = Options(
        services=("api", "scheduler", "worker", "worker"), environments={"worker": faked(clock)}
    )
    async with playing(scene, options) as stage:
        stage.target.answer("/slow", 200, delay=12.0 if scene.is_small else 40.0)
        stage.story.note("the wall clock of the workers is +1 h")
        stage.queue("slow", timeout_seconds=60)
        with stage.calling(per_second=20) as callers:
            stage.create(6, "/slow", "slow")
            await callers.gain(40)
            await stage.arrives(6, "/slow")
            await callers.gain(40)
        stage.create(5, "/later", delay=2)
        await stage.settle(90)
        assert stage.story.figures["repeats"] == 0
        assert stage.arrived("/later") == 5


BOUNDED = (worker_an_hour_ahead,)
LONG = (machine_two_hours_ahead, machine_ahead_and_mended, machine_an_hour_back)
