"""The connection to Redis is cut, stopped and reset."""

import asyncio
import time

from tests import lost
from tests.faults.parts.callers import Wanted
from tests.faults.parts.installation import Options
from tests.faults.stage import Scene, Stage, playing

PROXIED = Options(is_proxied=True)
FAILS_WITHIN_SECONDS = 8.0
"""Connecting and reading may take 2 s each; a caller gets its answer soon after the first of them, and in any case
before it gives up itself, after 10 s: a busy machine makes 2 s longer."""


async def black_hole(scene: Scene) -> None:
    """Nothing moves: a caller gets a 503 within about 2 s, and work goes on afterwards."""
    async with playing(scene, PROXIED) as stage:
        with stage.calling(per_second=20) as callers:
            await callers.gain(20)
            callers.slowest = 0.0
            with (
                stage.story.during("black hole for 7 s", repeats=True),
                stage.installation.proxy.black_hole(),
            ):
                job = {"queue": "work", "url": stage.url()}
                began = time.monotonic()
                answer = await asyncio.to_thread(stage.installation.client.post, "/api/jobs", json=job)
                took = time.monotonic() - began
                await asyncio.sleep(5)  # the rest of the fault
            await callers.gain(20)
        assert answer.status_code == 503, answer.text
        assert took < FAILS_WITHIN_SECONDS, f"the 503 took {took:.1f} s"
        await stage.settle(90)
        stage.no_process_ended()
        stage.story.figures["seconds to 503"] = round(took, 2)


async def black_hole_before_many(scene: Scene) -> None:
    """The same for forty callers at once, again and again: none waits for the timeouts of others."""
    async with playing(scene, PROXIED) as stage:
        with (
            stage.story.during("black hole for 10 s", repeats=True),
            stage.installation.proxy.black_hole(),
            stage.calling(clients=40, per_second=400) as callers,
        ):
            await asyncio.sleep(10)  # the fault
        stage.create(5)
        await stage.settle(90)
        stage.no_process_ended()
        stage.story.figures |= {"slowest 503": round(callers.slowest, 1), "refused": callers.answers[503]}
        assert callers.answers[0] == 0, f"{callers.answers[0]} callers got no answer within their 10 s"
        assert callers.slowest < FAILS_WITHIN_SECONDS, f"a 503 took {callers.slowest:.1f} s"


async def slow_redis(scene: Scene) -> None:
    """Fifty milliseconds each way: everything is slower, and nothing else changes."""
    async with playing(scene, PROXIED) as stage:
        with stage.calling(per_second=20) as callers:
            await callers.gain(10)
            with stage.story.during("delay of 50 ms each way"):
                stage.installation.proxy.delay(0.05)
                await callers.gain(40)
                stage.installation.proxy.delay(0)
        await stage.settle()
        assert stage.story.figures["repeats"] == 0


async def replies_lost(scene: Scene) -> None:
    """The write is done but its reply is lost: for claim, finish, create, promote and beat in turn."""
    async with playing(scene, PROXIED) as stage:
        wanted = (Wanted(stage.url()), Wanted(stage.url(), delay=1))
        with stage.calling(*wanted, per_second=60) as callers:
            await callers.gain(20)
            for script in ("claim", "finish", "create_jobs", "promote") * (2 if scene.is_small else 6):
                await _lose_reply(stage, script)
                await callers.gain(10)
        await stage.settle(60)
        assert stage.story.figures["repeats"] == 0, "a lost reply sent a request twice"
        stage.no_process_ended()
        stage.story.figures["replies lost"] = stage.installation.proxy.cuts


async def _lose_reply(stage: Stage, script: str) -> None:
    stage.story.note(f"lost reply of {script}")
    before = stage.installation.proxy.cuts
    stage.installation.proxy.cut_after(lost.on_the_wire(script))

    async def is_lost() -> bool:
        return stage.installation.proxy.cuts > before

    await stage.holds(is_lost)


async def links_reset(scene: Scene) -> None:
    """Every connection breaks at once, many times."""
    async with playing(scene, PROXIED) as stage:
        with stage.calling(per_second=60) as callers:
            for _ in range(10):
                await callers.gain(scene.rng.randint(5, 20))
                stage.story.note("every connection reset", repeats=False)
                stage.installation.proxy.reset_all()
        await stage.settle(60)
        stage.no_process_ended()


async def functions_flushed(scene: Scene) -> None:
    """FUNCTION FLUSH under load: the library is loaded again, and no caller notices."""
    async with playing(scene) as stage:
        with stage.calling(per_second=80) as callers:
            for _ in range(15):
                await callers.gain(8)
                stage.story.note("FUNCTION FLUSH")
                await stage.redis.function_flush()  # type: ignore[misc]
        await stage.settle()
        assert set(callers.answers) == {201}, callers.answers
        assert stage.story.figures["repeats"] == 0


async def clients_killed(scene: Scene) -> None:
    """CLIENT KILL of every connection under load."""
    async with playing(scene) as stage:
        with stage.calling(per_second=60) as callers:
            for _ in range(15):
                await callers.gain(scene.rng.randint(3, 12))
                stage.story.note("CLIENT KILL TYPE normal")
                await stage.redis.client_kill_filter(_type="normal", skipme=True)
        await stage.settle(60)
        stage.no_process_ended()


BOUNDED = (black_hole, replies_lost, functions_flushed, clients_killed)
LONG = (black_hole_before_many, slow_redis, links_reset)
